import { watchOutput } from "../output-end.ts";
import type { OperatorIo } from "./io.ts";
import { OperatorError } from "./operator-error.ts";

/** A command that works on the gateway's own files and asks no gateway. */
export interface OperatorCommand {
  /** How it is called, one line for each way. */
  readonly usage: string;
  /** Returns the status to exit with. @throws OperatorError */
  run(args: readonly string[], io: OperatorIo): Promise<number>;
}

/** Every such command by name: one file each, loaded when it is asked for, and a row here. */
const commands: Readonly<Record<string, () => Promise<OperatorCommand>>> = {
  audit: async () => (await import("./audit.ts")).audit,
  policy: async () => (await import("./policy.ts")).policy,
};

/** Whether `name` is a command of the operator's. */
export function isOperatorCommand(name: string): boolean {
  return Object.hasOwn(commands, name);
}

/**
 * Runs one operator's command.
 * @returns the status to exit with; what the command could not do is told on stderr in one line
 */
export async function runOperator(name: string, args: readonly string[], io: OperatorIo): Promise<number> {
  const command = await commands[name]?.();
  if (command === undefined) throw new Error(`there is no operator's command ${name}`);
  return await watchOutput(io, () => run(command, args, io));
}

async function run(command: OperatorCommand, args: readonly string[], io: OperatorIo): Promise<number> {
  const flags = args.slice(0, args.includes("--") ? args.indexOf("--") : undefined);
  if (flags.length === 0 || flags.includes("--help") || flags.includes("-h")) {
    io.stdout.write(`${command.usage}\n`);
    return 0;
  }
  try {
    return await command.run(args, io);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    io.stderr.write(`execgate: ${error.message}\n`);
    return error.status;
  }
}
