/** Starts commands marked by an argument, in every state of waiting, and then stays, exits or, in a worker, says that it is ready. */
import { parentPort } from "node:worker_threads";
import { size } from "../../conformance/process.ts";
import { createHost } from "./running.ts";

const [mark = "60", mode = "stay"] = process.argv.slice(2);
const host = createHost();
for (const tty of [undefined, size, size]) {
  const running = await host.start({ command: ["sleep", mark], tty, stdin: true });
  void running.output.next();
  void running.write(Buffer.alloc(1024 * 1024));
}
parentPort?.postMessage("ready");
if (mode === "exit") process.exit();
