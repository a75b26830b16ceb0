/**
 * stream-client PORT TTY TARGET COMMAND…: reads a command's output through the gateway, in a process of its own, and prints the
 * bytes and the microseconds from the request to the exit.
 */
import { openFrameSocket } from "./frame-socket.ts";

const [port, tty, target, ...command] = process.argv.slice(2);
const query = [["tty", tty ?? "0"], ["target", target ?? "host"], ...command.map((item) => ["command", item] as const)] as const;
let bytes = 0;
const began = performance.now();

openFrameSocket(Number(port), query, {
  output: (piece) => {
    bytes += piece.length;
  },
  control: ({ type }) => {
    if (type === "error") throw new Error("the command was not started");
    if (type === "exit") process.stdout.write(`${bytes} ${(performance.now() - began) * 1000}\n`, () => process.exit(0));
  },
});
