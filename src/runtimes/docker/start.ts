import { randomBytes } from "node:crypto";
import { ExecgateError } from "../../errors.ts";
import { systemClock, within } from "../../exec/clock.ts";
import type { ExecSpec } from "../../exec/runtime.ts";
import type { ContainerCgroups, ExecCgroup } from "../container/cgroup.ts";
import { ForeignProcess } from "../container/foreign-process.ts";
import { GatedOutput, gateCommand, gateRefusal, go } from "../container/gate.ts";
import type { Connection } from "./connection.ts";
import type { Container } from "./containers.ts";
import type { Engine } from "./engine.ts";
import { Exec } from "./exec.ts";
import { ConnectionInput } from "./input.ts";
import { isShellMissing, notStarted } from "./not-started.ts";
import { ConnectionOutput } from "./output.ts";
import { DockerProcess } from "./process.ts";

/** How long a container may take to start a command, milliseconds: who waits is told within 5 s. */
const startMsMax = 4000;

/** What an exec is started in, and with. */
export interface Place {
  readonly engine: Engine;
  readonly cgroups: ContainerCgroups;
  readonly id: string;
  readonly container: Container;
}

/** The image has no shell that could stand before the command. */
const noShell = Symbol("no shell");

/** Starts `spec` behind a gate, or without one in an image that has no shell. @throws what `Runtime.start` may */
export async function startExec(place: Place, spec: ExecSpec, signal: AbortSignal): Promise<DockerProcess> {
  const started = await startGated(place, spec, signal);
  return started === noShell ? await startBare(place, spec, signal) : started;
}

/** A connection with what is read from and written to it. */
interface Streams {
  readonly exec: Exec;
  readonly connection: Connection;
  readonly output: ConnectionOutput;
  readonly input: ConnectionInput;
  /** When the command must have been started, of the clock that only grows. */
  readonly deadline: number;
}

async function startGated(place: Place, spec: ExecSpec, signal: AbortSignal): Promise<DockerProcess | typeof noShell> {
  signal.throwIfAborted();
  const { container, cgroups } = place;
  const mark = randomBytes(16).toString("hex");
  const group = cgroups.open(container.pid, container.id, mark);
  let streams: Streams | undefined;
  let seen: Awaited<ReturnType<typeof prepare>> | undefined;
  try {
    streams = await connect(
      place,
      { ...spec, cwd: undefined, env: { ...spec.env, EXECGATE_SESSION: mark } },
      gateCommand(spec, container.searchPath, mark),
    );
    const output = new GatedOutput(streams.output, mark, spec.tty !== undefined);
    const pid = await inTime(streams, waitAtGate(output, spec));
    if (pid === undefined) {
      if (!isShellMissing(output.said)) throw await notStarted(place.engine, container.id, output.said, spec);
      await group?.release();
      return noShell;
    }
    signal.throwIfAborted();
    seen = await prepare(streams.exec, spec, group, pid);
    signal.throwIfAborted();
    await streams.input.write(go);
    // From here on it may run, whatever is heard: what became of it is for the process to say, and no refusal that asks for a second run.
    const heard = output.hear();
    await inTime(streams, heard).catch(() => undefined);
    await heard.catch(() => undefined);
    return new DockerProcess(place, spec, { ...streams, output, mark, pid, group, ...seen });
  } catch (cause) {
    // A gate whose input ends lets nothing through.
    await streams?.input.end();
    streams?.connection.destroy();
    seen?.foreign?.close();
    await group?.release();
    throw cause;
  }
}

async function connect(place: Place, spec: ExecSpec, cmd: readonly string[]): Promise<Streams> {
  const deadline = performance.now() + startMsMax;
  const exec = await Exec.create(place.engine, place, spec, cmd);
  const connection = await exec.start(place, spec.user);
  const isTerminal = spec.tty !== undefined;
  const confirm = async (): Promise<boolean> => (await exec.inspect().catch(() => undefined)) !== undefined;
  return {
    exec,
    connection,
    output: new ConnectionOutput(connection, isTerminal, confirm),
    input: new ConnectionInput(connection.socket, isTerminal),
    deadline,
  };
}

/** The pid in the container of the shell at the gate; undefined when no gate was started. @throws what the gate refuses */
async function waitAtGate(output: GatedOutput, spec: ExecSpec): Promise<number | undefined> {
  const heard = await output.hear();
  const refused = heard && gateRefusal(heard, spec);
  if (refused) throw refused;
  return heard?.word === "ready" ? heard.pid : undefined;
}

/** Does what must be done before the command begins: its terminal gets its size, and its processes a group. `pid` is the container's word for it. */
async function prepare(exec: Exec, spec: ExecSpec, group: ExecCgroup | undefined, pid: number) {
  const hostPid = group?.find(pid);
  const entered = hostPid === undefined ? undefined : group?.enter(hostPid);
  const [entry] = await Promise.allSettled([entered, spec.tty && exec.resize(spec.tty)]);
  const isGrouped = hostPid !== undefined && entry.status === "fulfilled";
  return { foreign: isGrouped ? ForeignProcess.open(hostPid) : undefined, isGrouped };
}

/** Without a gate nobody can say what came forth before the group was entered. */
async function startBare(place: Place, spec: ExecSpec, signal: AbortSignal): Promise<DockerProcess> {
  if (spec.command.length === 0)
    throw new ExecgateError("COMMAND_NOT_FOUND", "The image has no shell; name a command.", { field: "command" });
  signal.throwIfAborted();
  const mark = randomBytes(16).toString("hex");
  const group = place.cgroups.open(place.container.pid, place.container.id, mark);
  let streams: Streams | undefined;
  let foreign: ForeignProcess | undefined;
  try {
    streams = await connect(place, { ...spec, env: { ...spec.env, EXECGATE_SESSION: mark } }, spec.command);
    const pid = await inTime(streams, untilStarted(place, streams, spec));
    foreign = group && ForeignProcess.open(pid);
    await group?.enter(pid).catch(() => undefined);
    if (spec.tty) await streams.exec.resize(spec.tty);
    return new DockerProcess(place, spec, { ...streams, mark, pid: undefined, group, foreign, isGrouped: false });
  } catch (cause) {
    streams?.connection.destroy();
    foreign?.close();
    await group?.release();
    throw cause;
  }
}

/** The pid of the command as soon as it runs. @throws what the daemon says instead */
async function untilStarted({ engine, container }: Place, { exec, output }: Streams, spec: ExecSpec): Promise<number> {
  const pid = await exec.pid();
  if (pid === undefined) throw await notStarted(engine, container.id, await textOf(output), spec);
  return pid;
}

async function textOf(output: ConnectionOutput): Promise<string> {
  let text = "";
  for (let chunk = await output.next(); chunk !== undefined && text.length < 4096; chunk = await output.next()) text += chunk.bytes;
  return text;
}

/** Gives up what takes too long: a container that is paused, or a daemon that hangs. */
async function inTime<T>({ connection, deadline }: Streams, step: Promise<T>): Promise<T> {
  const isInTime = await within(
    systemClock,
    Math.max(0, deadline - performance.now()),
    step.catch(() => undefined),
  );
  if (isInTime) return await step;
  connection.destroy();
  throw new ExecgateError("RUNTIME_UNAVAILABLE", "The container did not start the command in time; it may be paused.");
}
