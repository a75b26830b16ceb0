import { METHODS } from "node:http";
import { sumOf, testToken } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { inParallel } from "../fixtures/in-parallel.ts";
import { promise } from "../fixtures/promise.ts";
import { sendRaw } from "../fixtures/raw-socket.ts";

const methods = METHODS.filter((method) => method !== "CONNECT");

/** Requests that no other is like: number `i` of each kind differs from all before it. */
const kinds: readonly ((i: number) => string)[] = [
  (i) => head("GET", `/odd/${i.toString(36)}/%2e%2e/%00?x=${i}`),
  (i) => head("GET", `/v1/sessions/${i}-no-such-session`),
  (i) => head(methods[i % methods.length] ?? "", `/v1/exec/${i}`),
  (i) => head("GET", `/v1/targets?id=odd-${i}:web`),
  (i) => head("GET", `/v1/exec?target=odd-${i}&command=true`, `Sec-WebSocket-Protocol: odd.${i}`),
  (i) => post(JSON.stringify({ target: `odd-${i}`, command: [`odd-${i}`] })),
  (i) => post(JSON.stringify({ command: [`odd-${i}`] })),
  (i) => post(JSON.stringify({ command: ["true"], [`odd${i}`]: 1 })),
];
/** What Node's parser refuses ends its connection. */
const malformed = (i: number) => `ODD${i} /${i} HTTP/1.1\r\nHost: localhost\r\n\r\n`;

function head(method: string, path: string, ...more: string[]): string {
  const fixed = ["Host: localhost", `Authorization: Bearer ${testToken}`, "Content-Length: 0"];
  return `${method} ${path} HTTP/1.1\r\n${[...fixed, ...more].join("\r\n")}\r\n\r\n`;
}

function post(body: string): string {
  const fixed = ["Host: localhost", `Authorization: Bearer ${testToken}`, "Content-Type: application/json"];
  return `POST /v1/exec HTTP/1.1\r\n${fixed.join("\r\n")}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

/** Requests sent one behind the other, before any is answered. */
const perConnection = 500;

promise("B7", "odd paths, methods and targets add no metric series", async function* (scale) {
  const count = scale === "full" ? 100_000 : 4000;
  await using gateway = await GatewayProcess.spawn();
  const [url, request] = [await gateway.url(), await gateway.requester()];
  const read = async () => (await request("/metrics")).text;
  // Node's own series of a kind of garbage collection begin with the first one.
  const series = (text: string) => text.split("\n").filter((line) => line.startsWith("execgate_")).length;
  /** The requests `from` and following on one connection, the last of which closes it; how many were answered. */
  const sendMany = async (from: number): Promise<number> => {
    const wanted = Array.from({ length: perConnection }, (_, at) => kinds[(from + at) % kinds.length]?.(from + at) ?? "");
    const answers = await sendRaw(url, wanted.join("") + head("GET", "/healthz", "Connection: close"));
    return answers.split("HTTP/1.1 ").length - 2;
  };
  await sendMany(0);
  await sendRaw(url, malformed(0));
  const before = await read();
  let answered = 0;
  await inParallel(4, count / perConnection, async (i) => {
    const answers = await sendMany((i + 1) * perConnection);
    answered += answers;
  });
  await inParallel(8, count / 100, async (i) => void (await sendRaw(url, malformed(i))));
  const after = await read();
  const refused = sumOf(after, "execgate_refused_total") - sumOf(before, "execgate_refused_total");
  yield { what: `answers to ${count} odd requests`, measured: answered, is: "exactly", limit: count, unit: "answers" };
  yield { what: "of them counted as refused", measured: refused, is: "atLeast", limit: count * 0.9, unit: "requests" };
  yield { what: "metric series more than before", measured: series(after) - series(before), limit: 0, unit: "series" };
});
