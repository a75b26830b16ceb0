import { type Measured, median, type Part, quantile } from "./figure.ts";
import { openFrameSocket } from "./frame-socket.ts";
import { startGatewayProcess } from "./gateway-process.ts";

const warmUps = 500;
const keystrokes = 3000;
const query = [
  ["tty", "1"],
  ["command", "sh"],
  ["command", "-c"],
  ["command", "stty raw -echo; echo ready; exec cat"],
] as const;

/** How soon a keystroke is seen. */
export const echo: Part = {
  name: "echo",
  about: "The time from a keystroke to its echo by `cat` on a raw terminal, over a WebSocket.",
  measure,
};

async function measure(): Promise<Measured> {
  await using gateway = await startGatewayProcess();
  let answered = (): void => undefined;
  using client = openFrameSocket(gateway.port, query, { output: () => answered(), control: () => undefined });
  const answer = (): Promise<void> =>
    new Promise((resolve) => {
      answered = resolve;
    });
  await answer();
  const samples: number[] = [];
  for (let i = 0; i < warmUps + keystrokes; i++) {
    const came = answer();
    const began = performance.now();
    client.write(Buffer.of(0x61 + (i % 26)));
    await came;
    if (i >= warmUps) samples.push(performance.now() - began);
  }
  return {
    figures: [
      { name: "echo p50", value: median(samples), unit: "ms", aim: { is: "atMost", limit: 0.2 } },
      { name: "echo p99", value: quantile(samples, 0.99), unit: "ms", aim: { is: "atMost", limit: 3 } },
    ],
  };
}
