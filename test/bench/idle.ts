import { setTimeout as delay } from "node:timers/promises";
import { collectGarbage } from "./collect-garbage.ts";
import type { Figure, Measured, Part } from "./figure.ts";
import { openFrameSocket } from "./frame-socket.ts";
import { type GatewayProcess, startGatewayProcess } from "./gateway-process.ts";

const stages = [1, 10, 100, 1000];
const warmUps = 10;
const settleMs = 500;
const query = [
  ["tty", "1"],
  ["command", "cat"],
] as const;

/** What idle terminals take, from one to a thousand. */
export const idle: Part = {
  name: "idle",
  about:
    "Resident memory of the gateway with 1, 10, 100 and 1000 idle terminals open, each with a client; how long a further one takes to open then.",
  measure,
};

async function measure(): Promise<Measured> {
  await using gateway = await startGatewayProcess({ flags: ["--inspect=127.0.0.1:0"] });
  const clients: Disposable[] = [];
  const openUpTo = async (count: number): Promise<void> => {
    const missing = Array.from({ length: count - clients.length }, () => openSession(gateway.port));
    clients.push(...(await Promise.all(missing)));
  };
  await openUpTo(warmUps);
  const before = await settled(gateway);
  const figures: Figure[] = [{ name: "gateway's memory before", value: before / 1e6, unit: "MB" }];
  const bars: { label: string; value: number }[] = [];
  let eachKb = 0;
  for (const more of stages) {
    const [opened, began] = [clients.length, performance.now()];
    await openUpTo(warmUps + more);
    const openMs = (performance.now() - began) / (clients.length - opened);
    const after = await settled(gateway);
    eachKb = (after - before) / more / 1000;
    figures.push({ name: `opening one, up to ${more} more`, value: openMs, unit: "ms" });
    figures.push({ name: `gateway's memory with ${more} more`, value: after / 1e6, unit: "MB" });
    bars.push({ label: `${more} idle terminals`, value: after / 1e6 });
  }
  for (const client of clients) client[Symbol.dispose]();
  figures.push({ name: `an idle session's memory, of ${stages.at(-1)}`, value: eachKb, unit: "KB", aim: { is: "atMost", limit: 60 } });
  return { figures, chart: { title: "Memory of the gateway", unit: "MB", bars } };
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
