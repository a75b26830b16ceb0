#!/usr/bin/env node
/** The executable: `serve` is the gateway, every other command a client of one. Each loads only what it needs. */
const [command = "help", ...args] = process.argv.slice(2);

if (command === "serve") {
  const { serve } = await import("./serve.ts");
  await serve(args);
} else {
  const { runClient } = await import("./cli/index.ts");
  const { env, stdin, stdout, stderr } = process;
  process.exitCode = await runClient([command, ...args], { env, stdin, stdout, stderr, signals: process });
}
