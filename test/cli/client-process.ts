/** The client alone as a program, for tests that need real descriptors, a real terminal and real signals. */
import { runClient } from "../../src/cli/index.ts";

const { env, stdin, stdout, stderr } = process;
process.exitCode = await runClient(process.argv.slice(2), { env, stdin, stdout, stderr, signals: process });
