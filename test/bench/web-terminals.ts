import { spawn } from "node:child_process";
import { WebSocket } from "ws";
import { freePort } from "../fixtures/free-port.ts";
import { findProgram } from "../fixtures/programs.ts";
import { timed } from "./busy.ts";
import { type Figure, type Measured, median, type Part, quantile } from "./figure.ts";
import { openFrameSocket } from "./frame-socket.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { missingProgram, persist } from "./programs.ts";

const runs = 200;
const keystrokes = 2000;

/** Others that join a command to a WebSocket. */
export const webTerminals: Part = {
  name: "web-terminals",
  about:
    "websocketd of Debian, which gives each connection a command on pipes, and has no users, terminals, limits or ends of process trees: a connection that runs `/bin/true` to its end, and the echo of a line by `cat` on pipes.",
  missing: () => missingProgram("websocketd"),
  measure,
};

async function measure(): Promise<Measured> {
  await using gateway = await startGatewayProcess();
  using trueServer = await startWebsocketd("/bin/true");
  using catServer = await startWebsocketd("/bin/cat");
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let i = 0; i < runs; i++) {
    ours.push(await timed(() => runToEnd(gateway.port)));
    theirs.push(await timed(() => runThere(trueServer.port)));
  }
  const [ourEchoes, theirEchoes] = [await echoesOf(gateway.port), await echoesThere(catServer.port)];
  const figures: Figure[] = [
    { name: "connect, run and end p50", value: median(ours), unit: "ms" },
    { name: "with websocketd p50", value: median(theirs), unit: "ms" },
    { name: "connect, run and end / websocketd", value: median(ours) / median(theirs), unit: "×", aim: { is: "atMost", limit: 1 } },
    { name: "echo on pipes p50", value: median(ourEchoes), unit: "ms" },
    { name: "echo on pipes p99", value: quantile(ourEchoes, 0.99), unit: "ms" },
    { name: "with websocketd echo p50", value: median(theirEchoes), unit: "ms" },
    { name: "with websocketd echo p99", value: quantile(theirEchoes, 0.99), unit: "ms" },
    { name: "echo / websocketd p50", value: median(ourEchoes) / median(theirEchoes), unit: "×", aim: { is: "atMost", limit: 1 } },
  ];
  const bars = [
    { label: "execgate", value: median(ours) },
    { label: "websocketd", value: median(theirs) },
  ];
  return { figures, chart: { title: "Connect, run /bin/true and end, p50", unit: "ms", bars } };
}

async function startWebsocketd(command: string): Promise<Disposable & { readonly port: number }> {
  const port = await freePort();
  const server = spawn(findProgram("websocketd") ?? "", ["--address=127.0.0.1", `--port=${port}`, command], { stdio: "ignore" });
  await persist(() => runThere(port, true));
  return { port, [Symbol.dispose]: () => void server.kill() };
}

/** One connection, from the first byte to the end of its command; `isCut` ends it by itself. */
function runThere(port: number, isCut = false): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
    if (isCut) socket.once("open", () => socket.close());
    socket.once("error", reject);
    socket.once("close", () => resolve());
  });
}

function runToEnd(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    openFrameSocket(port, [["command", "/bin/true"]], {
      output: () => undefined,
      control: ({ type }) => type === "error" && reject(new Error("the command was not started")),
      closed: () => resolve(),
    });
  });
}

async function echoesOf(port: number): Promise<number[]> {
  let heard = (): void => undefined;
  let attached = (): void => undefined;
  const isThere = new Promise<void>((resolve) => {
    attached = resolve;
  });
  using client = openFrameSocket(port, [["command", "cat"]], { output: () => heard(), control: () => attached() });
  await isThere;
  return await collectEchoes((done) => {
    heard = done;
    client.write(Buffer.from("x\n"));
  });
}

async function echoesThere(port: number): Promise<number[]> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
  await new Promise((resolve) => socket.once("open", resolve));
  const samples = await collectEchoes((done) => {
    socket.once("message", done);
    socket.send("x");
  });
  socket.terminate();
  return samples;
}

async function collectEchoes(ask: (done: () => void) => void): Promise<number[]> {
  const samples: number[] = [];
  for (let i = 0; i < keystrokes; i++) samples.push(await timed(() => new Promise((resolve) => ask(() => resolve(undefined)))));
  return samples;
}
