import { setTimeout as delay } from "node:timers/promises";
import { type Measured, median, type Part } from "./figure.ts";
import { openFrameSocket } from "./frame-socket.ts";
import { startGatewayProcess } from "./gateway-process.ts";

const sessions = 100;
const settleMs = 1000;
const measureMs = 5000;
const query = [
  ["tty", "1"],
  ["command", "yes"],
] as const;

/** Whether busy terminals get the same share of the gateway. */
export const fairness: Part = {
  name: "fairness",
  about: `${sessions} terminals run \`yes\`, each with a client that reads as fast as it can, for ${measureMs / 1000} s: what each of them got. Jain's index is 1 when all got the same, and 1/${sessions} when one got everything.`,
  measure,
};

async function measure(): Promise<Measured> {
  await using gateway = await startGatewayProcess();
  const bytes = new Float64Array(sessions);
  const clients = await Promise.all(
    Array.from({ length: sessions }, (_, i) =>
      openBusy(gateway.port, (count) => {
        bytes[i] = (bytes[i] ?? 0) + count;
      }),
    ),
  );
  await delay(settleMs);
  bytes.fill(0);
  await delay(measureMs);
  const got = [...bytes];
  for (const client of clients) client[Symbol.dispose]();
  const sum = got.reduce((all, one) => all + one, 0);
  const squares = got.reduce((all, one) => all + one * one, 0);
  return {
    figures: [
      { name: "all busy terminals together", value: sum / measureMs / 1000, unit: "MB/s" },
      { name: "Jain's index of 100", value: (sum * sum) / (sessions * squares), unit: "", aim: { is: "atLeast", limit: 0.95 } },
      { name: "the one that got least / median", value: Math.min(...got) / median(got), unit: "×", aim: { is: "atLeast", limit: 0.5 } },
    ],
  };
}

/** Resolves when the terminal is there. @param got told of each piece of output */
function openBusy(port: number, got: (count: number) => void): Promise<Disposable> {
  return new Promise((resolve, reject) => {
    const client = openFrameSocket(port, query, {
      output: ({ length }) => got(length),
      control: ({ type }) => (type === "attached" ? resolve(client) : reject(new Error(type))),
      closed: () => reject(new Error("the session ended")),
    });
  });
}
