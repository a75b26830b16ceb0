import { setTimeout as delay } from "node:timers/promises";
import { collectGarbage } from "./collect-garbage.ts";
import type { Figure, Part } from "./figure.ts";
import { openFrameSocket } from "./frame-socket.ts";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.ts";

const sessions = 200;
const warmUps = 10;
const settleMs = 500;
const query = [
  ["tty", "1"],
  ["command", "cat"],
] as const;

/** What an idle terminal session adds to the gateway's resident memory. */
export const idle: Part = { name: "idle", measure };

async function measure(): Promise<readonly Figure[]> {
  await using gateway = await startGatewayProcess({ flags: ["--inspect=127.0.0.1:0"] });
  await using _warm = await openSessions(gateway.port, warmUps);
  const before = await settled(gateway);
  await using _idle = await openSessions(gateway.port, sessions);
  const after = await settled(gateway);
  return [
    { name: "gateway's memory before", value: before / 1e6, unit: "MB" },
    { name: "an idle session's memory", value: (after - before) / sessions / 1000, unit: "KB", aim: { is: "atMost", limit: 100 } },
  ];
}

async function openSessions(port: number, count: number): Promise<AsyncDisposable> {
  const clients = await Promise.all(Array.from({ length: count }, () => openSession(port)));
  return {
    async [Symbol.asyncDispose]() {
      for (const client of clients) client[Symbol.dispose]();
    },
  };
}

function openSession(port: number): Promise<Disposable> {
  return new Promise((resolve, reject) => {
    const client = openFrameSocket(port, query, {
      output: () => undefined,
      control: ({ type }) => (type === "attached" ? resolve(client) : reject(new Error(type))),
      closed: () => reject(new Error("the session ended")),
    });
  });
}

/** Resident memory when garbage was collected, twice, as what the first round lets go of is freed by the second. */
async function settled({ inspectorUrl, residentBytes }: GatewayProcess): Promise<number> {
  if (inspectorUrl === undefined) throw new Error("the gateway has no inspector");
  for (let round = 0; round < 2; round++) {
    await delay(settleMs);
    await collectGarbage(inspectorUrl);
  }
  await delay(settleMs);
  return residentBytes();
}
