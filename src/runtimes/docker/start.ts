import { randomBytes } from "node:crypto";
import { ExecgateError } from "../../errors.ts";
import { systemClock, within } from "../../exec/clock.ts";
import type { ExecSpec, Process } from "../../exec/runtime.ts";
import type { ContainerCgroups, ExecCgroup } from "../container/cgroup.ts";
import { ForeignProcess } from "../container/foreign-process.ts";
import { GatedOutput, gateCommand, gateRefusal, go } from "../container/gate.ts";
import { strayProcess } from "../container/stray.ts";
import { endRunning } from "../end-running.ts";
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
  /** What runs, until it is released. */
  readonly running: Set<Process>;
}

/** The image has no shell that could stand before the command. */
const noShell = Symbol("no shell");

/** Starts `spec` behind a gate, or without one in an image that has no shell. @throws what `Runtime.start` may */
export async function startExec(place: Place, spec: ExecSpec, signal: AbortSignal): Promise<Process> {
  const deadline = performance.now() + startMsMax;
  const started = await startGated(place, spec, signal, deadline);
  return started === noShell ? await startBare(place, spec, signal, deadline) : started;
}

/** A connection with what is read from and written to it. */
interface Streams {
  readonly exec: Exec;
  readonly connection: Connection;
  readonly output: ConnectionOutput;
  readonly input: ConnectionInput;
}

async function startGated(place: Place, spec: ExecSpec, signal: AbortSignal, deadline: number): Promise<Process | typeof noShell> {
  signal.throwIfAborted();
  const { container, cgroups } = place;
  const mark = randomBytes(16).toString("hex");
  const group = cgroups.open(container.pid, container.id, mark);
  const gated = { ...spec, cwd: undefined, env: { ...spec.env, EXECGATE_SESSION: mark } };
  const connecting = Exec.create(place.engine, place, gated, gateCommand(spec, container.searchPath, mark)).then((exec) =>
    connect(exec, place, spec),
  );
  let seen: Awaited<ReturnType<typeof prepare>> | undefined;
  try {
    const streams = await inTime(deadline, connecting);
    const output = new GatedOutput(streams.output, mark, spec.tty !== undefined);
    const pid = await inTime(deadline, waitAtGate(output, spec));
    if (pid === undefined) {
      if (!isShellMissing(output.said)) throw await notStarted(place.engine, container.id, output.said, spec);
      await group?.release();
      return noShell;
    }
    signal.throwIfAborted();
    seen = await prepare(streams.exec, spec, group, pid);
    signal.throwIfAborted();
    // The end of the input goes along where it is to be empty: to podman's service it would come too late for a short command.
    const { socket } = streams.connection;
    socket.cork();
    void streams.input.write(go);
    // From here on it may run, whatever is heard: no refusal asks for a second run.
    const command = new DockerProcess(place, spec, { ...streams, output, mark, pid, group, ...seen });
    socket.uncork();
    const heard = await inTime(deadline, output.hear()).catch(() => undefined);
    return heard?.word === "passed" ? command : lose(Promise.resolve(command));
  } catch (cause) {
    void connecting.then(shut, () => undefined);
    seen?.foreign?.close();
    await group?.release();
    throw cause;
  }
}

async function connect(exec: Exec, place: Place, { user, tty }: ExecSpec): Promise<Streams> {
  const connection = await exec.start(place, user);
  const isTerminal = tty !== undefined;
  const confirm = async (): Promise<boolean> => (await exec.inspect().catch(() => undefined)) !== undefined;
  return {
    exec,
    connection,
    output: new ConnectionOutput(connection, isTerminal, confirm),
    input: new ConnectionInput(connection.socket, isTerminal),
  };
}

/** A gate whose input ends lets nothing through, whenever it comes to be. */
async function shut({ input, connection }: Streams): Promise<void> {
  await input.end();
  connection.destroy();
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

async function startBare(place: Place, spec: ExecSpec, signal: AbortSignal, deadline: number): Promise<Process> {
  if (spec.command.length === 0)
    throw new ExecgateError("COMMAND_NOT_FOUND", "The image has no shell; name a command.", { field: "command" });
  signal.throwIfAborted();
  const mark = randomBytes(16).toString("hex");
  const marked = { ...spec, env: { ...spec.env, EXECGATE_SESSION: mark } };
  const exec = await inTime(deadline, Exec.create(place.engine, place, marked, spec.command));
  signal.throwIfAborted();
  const beginning = begin(exec, place, spec, mark);
  // From here on it may run: what the daemon does not say in time is not waited for, and no refusal asks for a second run.
  if (await isSettledBy(deadline, beginning)) return await beginning;
  return lose(beginning);
}

/** Without a gate nobody can say what came forth before the group was entered. @throws what the daemon says when nothing runs */
async function begin(exec: Exec, place: Place, spec: ExecSpec, mark: string): Promise<DockerProcess> {
  const { engine, container, cgroups } = place;
  const group = cgroups.open(container.pid, container.id, mark);
  try {
    const streams = await connect(exec, place, spec);
    const found = await exec.begun(streams.connection);
    if (found?.pid === 0) throw await notStarted(engine, container.id, await textOf(streams.output), spec);
    const foreign = group && found && ForeignProcess.open(found.pid);
    if (foreign) await group?.enter(found.pid).catch(() => undefined);
    if (spec.tty) await exec.resize(spec.tty);
    return new DockerProcess(place, spec, { ...streams, mark, pid: undefined, group, foreign, isGrouped: false });
  } catch (cause) {
    await group?.release();
    throw cause;
  }
}

async function textOf(output: ConnectionOutput): Promise<string> {
  let text = "";
  for (let chunk = await output.next(); chunk !== undefined && text.length < 4096; chunk = await output.next()) text += chunk.bytes;
  return text;
}

/** Ends a command of which nobody waits for anything any more, as soon as it can be reached. */
function lose(beginning: Promise<Process>): Process {
  void beginning.then(
    (command) => endRunning([command]),
    () => undefined,
  );
  return strayProcess("The daemon did not say in time whether the command runs.");
}

/** Gives up what takes too long: a container that is paused, or a daemon that hangs. @throws RUNTIME_UNAVAILABLE */
async function inTime<T>(deadline: number, step: Promise<T>): Promise<T> {
  if (await isSettledBy(deadline, step)) return await step;
  throw new ExecgateError("RUNTIME_UNAVAILABLE", "The container did not start the command in time; it may be paused.");
}

async function isSettledBy(deadline: number, step: Promise<unknown>): Promise<boolean> {
  const settled = step.catch(() => undefined);
  return await within(systemClock, Math.max(0, deadline - performance.now()), settled);
}
