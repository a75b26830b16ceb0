import { once } from "node:events";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { promise } from "../fixtures/promise.ts";
import { closed, connectRaw } from "../fixtures/raw-socket.ts";
import { testToken } from "../fixtures/token.ts";

const head = `GET /v1/exec?command=cat HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${testToken}\r\n`;
const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
const body = "POST /v1/exec HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";

/** How far a peer comes before it says nothing more. */
const kinds: Readonly<Record<string, (plain: string, secure: string) => Promise<Socket>>> = {
  "no byte": (plain) => connectRaw(plain),
  "half a line": (plain) => say(plain, "GET /v1/ex"),
  "half an upgrade": (plain) => say(plain, head + upgrade),
  "an upgrade and a half": (plain) => say(plain, `GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n${head}`),
  "a body that is refused and never ends": (plain) => say(plain, body),
  "no TLS": (_plain, secure) => connectRaw(secure),
  "half an upgrade over TLS": async (_plain, secure) => {
    const socket = connectTls({ port: Number(new URL(secure).port), host: "127.0.0.1", rejectUnauthorized: false });
    socket.on("error", () => undefined);
    await once(socket, "secureConnect");
    socket.write(head + upgrade);
    return socket;
  },
};

async function say(url: string, text: string): Promise<Socket> {
  const socket = await connectRaw(url);
  socket.write(text);
  return socket;
}

promise("B5", "connections and upgrades that are not finished are closed, and nobody else waits for them", async function* (scale) {
  // The quick scale shortens the time that a head may take, and with it the limit.
  const [count, headMs, limit] = scale === "full" ? [1000, undefined, 10_000] : [105, 600, 2600];
  await using gateway = await GatewayProcess.spawn({
    listen: ["127.0.0.1:0", "https://127.0.0.1:0"],
    settings: { limits: { ...(headMs !== undefined && { headMs }) } },
  });
  const { urls } = await gateway.logged("execgate is ready");
  const [plain = "", secure = ""] = urls as string[];
  const request = await gateway.requester();
  const run = () => request("/v1/exec", { method: "POST", body: { command: ["true"] } });
  await run();
  const worstMs = new Map(Object.keys(kinds).map((name) => [name, 0]));
  const open = async (name: string, dial: (typeof kinds)[string]) => {
    const socket = (await dial(plain, secure)).resume();
    const beganMs = performance.now();
    const end = closed(socket).then(() => {
      worstMs.set(name, Math.max(worstMs.get(name) ?? 0, performance.now() - beganMs));
    });
    return { end };
  };
  const each = Math.ceil(count / worstMs.size);
  const peers = await Promise.all(Object.entries(kinds).flatMap(([name, dial]) => Array.from({ length: each }, () => open(name, dial))));
  let slowestMs = 0;
  for (let i = 0; i < 20; i++) {
    const beganMs = performance.now();
    await run();
    slowestMs = Math.max(slowestMs, performance.now() - beganMs);
  }
  yield { what: "meanwhile a real user's command, slowest of 20", measured: slowestMs, limit: 1000, unit: "ms" };
  await Promise.all(peers.map((peer) => peer.end));
  for (const [name, ms] of worstMs) yield { what: `${name}: closed after, slowest of ${each}`, measured: ms, limit, unit: "ms" };
});
