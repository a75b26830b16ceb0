import { ExecgateError } from "../../errors.ts";
import type { ExecSpec } from "../../exec/runtime.ts";
import type { Any, Container } from "./api.ts";
import type { OciUser } from "./user.ts";

/** What is needed of the process in a container's OCI spec; what else there is is passed on as it is. */
export interface OciProcess {
  readonly user?: OciUser;
  readonly env?: readonly string[];
  readonly cwd?: string;
  readonly rlimits?: readonly Rlimit[];
  readonly capabilities?: { readonly [set: string]: readonly string[] | undefined };
}

interface Rlimit {
  readonly type: string;
  readonly soft: number;
  readonly hard: number;
}

/** With one of these a command can take marks off, or leave the container. */
const powers = ["CAP_SYS_ADMIN", "CAP_SYS_RESOURCE", "CAP_SYS_PTRACE", "CAP_SYS_MODULE"];

/** What is needed of a container's OCI spec. */
export interface OciSpec {
  /** The container's own process, after which every other is made. */
  readonly process: OciProcess;
  /** What the control group of its processes is called. */
  readonly group: string;
}

/** @throws RUNTIME_UNAVAILABLE when it cannot be read */
export function specOf({ id, spec }: Container): OciSpec {
  try {
    const { process, linux } = JSON.parse(spec?.value.toString("utf8") ?? "") as {
      process?: OciProcess;
      linux?: { cgroupsPath?: string };
    };
    // `/parent/name`, or `parent:prefix:name` where systemd makes the groups.
    if (process !== undefined) return { process, group: linux?.cgroupsPath?.split(/[/:]/).at(-1) || id };
  } catch {
    // It is said below.
  }
  throw new ExecgateError("RUNTIME_UNAVAILABLE", `The specification of container ${id} cannot be read.`);
}

/** Whether the commands of a container may do what is kept from ordinary ones. */
export function isPowerful({ capabilities }: OciProcess): boolean {
  return capabilities !== undefined && powers.some((power) => capabilities.bounding?.includes(power));
}

/** What is run in the place of the container's own command. */
export interface Run {
  readonly args: readonly string[];
  readonly spec: ExecSpec;
  /** Undefined is the container's own. */
  readonly user: OciUser | undefined;
  /** The hard limit of real-time processing that is to be inherited. */
  readonly mark: number;
}

const typeUrl = "types.containerd.io/opencontainers/runtime-spec/1/Process";
const markLimit = "RLIMIT_RTTIME";

/** The container's own process with what is different changed, as containerd wants it. */
export function toExecProcess(own: OciProcess, { args, spec, user, mark }: Run): Any {
  const { rlimits = [], ...rest } = own;
  const soft = rlimits.find(({ type }) => type === markLimit)?.soft ?? mark;
  const limits = [...rlimits.filter(({ type }) => type !== markLimit), { type: markLimit, soft: Math.min(soft, mark), hard: mark }];
  const process = {
    ...rest,
    args,
    terminal: spec.tty !== undefined,
    consoleSize: spec.tty && { width: spec.tty.cols, height: spec.tty.rows },
    env: environment(own.env ?? [], spec),
    cwd: spec.cwd ?? own.cwd ?? "/",
    user: user ?? own.user,
    capabilities: user !== undefined && user.uid !== 0 ? withoutGifts(own.capabilities) : own.capabilities,
  };
  const text = JSON.stringify(process);
  return { typeUrl, value: Buffer.from(`${text.slice(0, -1)},"rlimits":[${limits.map(limitText).join()}]}`) };
}

/** "No limit" is the largest number of 64 bits, which a number of JavaScript is not exact enough for. */
function limitText({ type, soft, hard }: Rlimit): string {
  const exact = (limit: number): string => (limit >= 2 ** 64 ? "18446744073709551615" : BigInt(limit).toString());
  return `{"type":${JSON.stringify(type)},"soft":${exact(soft)},"hard":${exact(hard)}}`;
}

function environment(own: readonly string[], spec: ExecSpec): string[] {
  const added = { ...(spec.tty && { TERM: "xterm-256color" }), ...spec.env };
  const kept = own.filter((entry) => !Object.hasOwn(added, entry.slice(0, entry.indexOf("="))));
  return [...kept, ...Object.entries(added).map(([name, value]) => `${name}=${value}`)];
}

/** Who is not root has no capabilities but those that its programs bring: sets that survive an exec are for the container's own user. */
function withoutGifts(capabilities: OciProcess["capabilities"]): OciProcess["capabilities"] {
  return capabilities && { ...capabilities, ambient: [], inheritable: [] };
}
