#!/usr/bin/env node
/** The executable: `serve` is the gateway, some commands are its operator's, every other is a client of one. Each loads only what it needs. */
import { setFlagsFromString } from "node:v8";

const [command = "help", ...args] = process.argv.slice(2);

if (command === "serve") {
  // V8 takes memory for speed that it does not give back: after 10 000 short sessions in a row a gateway stood 60 MB higher.
  for (const flag of ["--semi-space-growth-factor=1", "--optimize-for-size"]) setFlagsFromString(flag);
  const { serve } = await import("./serve.ts");
  await serve(args);
} else {
  const { env, stdin, stdout, stderr } = process;
  const { isOperatorCommand, runOperator } = await import("./operator/index.ts");
  if (isOperatorCommand(command)) {
    process.exitCode = await runOperator(command, args, { env, stdout, stderr });
  } else {
    const { runClient } = await import("./cli/index.ts");
    process.exitCode = await runClient([command, ...args], { env, stdin, stdout, stderr, signals: process });
  }
}
