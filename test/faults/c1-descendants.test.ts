import { dial } from "../fixtures/exec-client.ts";
import type { ExecAnswer, TestGateway } from "../fixtures/gateway.ts";
import { testToken } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { promise } from "../fixtures/promise.ts";
import { createTroop, type Troop, untilComplete, untilGone } from "./escapees.ts";

interface Gateway {
  readonly url: string;
  readonly request: TestGateway["request"];
}

/** What became of a troop: how long it was still there, and what the gateway says of it where there is somebody to be told. */
interface End {
  readonly goneMs: number;
  readonly termination?: string | null;
}

type Way = (gateway: Gateway, troop: Troop, tty: boolean) => Promise<End>;

async function timeout({ request }: Gateway, troop: Troop, tty: boolean): Promise<End> {
  // Time enough to be whole before, also on a machine that is busy.
  const answered = request("/v1/exec", { method: "POST", body: { command: troop.command, tty, timeoutMs: 2000 } });
  await untilComplete(troop);
  const { termination } = (await answered).json as ExecAnswer;
  return { goneMs: await untilGone(troop), termination };
}

async function closedRequest({ url }: Gateway, troop: Troop, tty: boolean): Promise<End> {
  const closing = new AbortController();
  const headers = { authorization: `Bearer ${testToken}`, "content-type": "application/json" };
  const body = JSON.stringify({ command: troop.command, tty });
  const answered = fetch(`${url}/v1/exec`, { method: "POST", headers, body, signal: closing.signal }).catch(() => undefined);
  await untilComplete(troop);
  closing.abort();
  await answered;
  return { goneMs: await untilGone(troop) };
}

async function lostSocket({ url }: Gateway, troop: Troop, tty: boolean): Promise<End> {
  const query = new URLSearchParams([["tty", tty ? "1" : "0"], ...troop.command.map((item) => ["command", item])]);
  using client = await dial(`${url}/v1/exec?${query}`);
  await untilComplete(troop);
  client.ws.terminate();
  return { goneMs: await untilGone(troop) };
}

async function deleted({ request }: Gateway, troop: Troop, tty: boolean): Promise<End> {
  const { json } = await request("/v1/sessions", { method: "POST", body: { command: troop.command, tty } });
  const { id } = json as { id: string };
  await untilComplete(troop);
  await request(`/v1/sessions/${id}`, { method: "DELETE" });
  const goneMs = await untilGone(troop);
  const { termination } = (await request(`/v1/sessions/${id}/result`)).json as ExecAnswer;
  return { goneMs, termination };
}

const ways: Readonly<Record<string, Way>> = {
  "a timeout": timeout,
  "a request that is given up": closedRequest,
  "a socket that is lost": lostSocket,
  "DELETE of the session": deleted,
};

promise("C1", "every descendant is gone within 2 s", async function* (scale) {
  await using process = await GatewayProcess.spawn();
  const gateway = { url: await process.url(), request: await process.requester() };
  const runs = scale === "full" ? 10 : 1;
  for (const [way, end] of Object.entries(ways)) {
    for (const tty of [false, true]) {
      const ends: End[] = [];
      for (let i = 0; i < runs; i++) ends.push(await end(gateway, createTroop(), tty));
      const where = `${way}, ${tty ? "tty" : "pipe"}`;
      yield { what: `time until all six are gone after ${where}, worst of ${runs}`, measured: worst(ends), limit: 2000, unit: "ms" };
      const told = ends.filter(({ termination }) => termination !== undefined);
      const unsure = told.filter(({ termination }) => termination !== "verified").length;
      if (told.length > 0) yield { what: `ends of ${runs} that were not verified, ${where}`, measured: unsure, limit: 0, unit: "ends" };
    }
  }
});

function worst(ends: readonly End[]): number {
  return Math.max(...ends.map(({ goneMs }) => goneMs));
}
