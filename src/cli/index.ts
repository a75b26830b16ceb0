import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { failedStatus, watchOutput } from "../output-end.ts";
import { readVersion } from "../version.ts";
import { attach } from "./attach.ts";
import { ClientError } from "./client-error.ts";
import { completion } from "./completion.ts";
import { cp } from "./cp.ts";
import { exec } from "./exec.ts";
import { helpOf, helpText } from "./help.ts";
import type { ClientIo } from "./io.ts";
import { kill } from "./kill.ts";
import { kubeconfig } from "./kubeconfig.ts";
import { probe } from "./probe.ts";
import { replay } from "./replay.ts";
import { sessions } from "./sessions.ts";
import { targets } from "./targets.ts";
import { token } from "./token.ts";

export type { ClientIo } from "./io.ts";

type Command = (args: readonly string[], io: ClientIo) => Promise<number>;

/** Every client command by name: one file each, and a row here. */
const commands: Readonly<Record<string, Command>> = {
  exec,
  attach,
  sessions,
  kill,
  targets,
  probe,
  cp,
  replay,
  completion,
  kubeconfig,
  token,
  help: async ([command], io) => printHelp(io, command),
  version: async (_args, io) => print(io, `execgate ${readVersion()}\n`),
};

const aliases: Readonly<Record<string, string>> = { "--help": "help", "-h": "help", "--version": "version" };

/** Whether `name` is a command of the client, and not the gateway's own. */
export function isClientCommand(name: string): boolean {
  return Object.hasOwn(commands, aliases[name] ?? name);
}

/**
 * Runs one client command.
 * @param argv the arguments behind the program's name, the command first
 * @returns the status to exit with; 255 for what the client itself could not do, which is then told on stderr in one line
 */
export async function runClient(argv: readonly string[], io: ClientIo): Promise<number> {
  return await watchOutput(io, () => run(argv, io));
}

async function run(argv: readonly string[], io: ClientIo): Promise<number> {
  const [name = "help", ...args] = argv;
  const flags = args.slice(0, args.includes("--") ? args.indexOf("--") : undefined);
  try {
    if (flags.includes("--help") || flags.includes("-h")) return printHelp(io, name);
    if (!isClientCommand(name)) throw new ClientError(`there is no command ${name}; execgate help lists them`);
    checkArguments(argv);
    return await (commands[aliases[name] ?? name] as Command)(args, io);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    io.stderr.write(`execgate: ${error.message}\n`);
    return failedStatus;
  }
}

/** Node has U+FFFD in the place of bytes that are no UTF-8: a command would get an argument, or a copy a name, that nobody gave. */
function checkArguments(argv: readonly string[]): void {
  if (!argv.some((argument) => argument.includes("\ufffd")) || isUtf8(readFileSync("/proc/self/cmdline"))) return;
  throw new ClientError("an argument is no UTF-8, and would not arrive as it is");
}

/** The help of one command, or all of it. */
function printHelp(io: ClientIo, command: string | undefined): number {
  const text = command === undefined ? helpText : helpOf(command);
  if (text === undefined) throw new ClientError(`there is no command ${command}; execgate help lists them`);
  return print(io, text);
}

function print(io: ClientIo, text: string): number {
  io.stdout.write(text);
  return 0;
}
