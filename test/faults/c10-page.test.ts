import { createHash } from "node:crypto";
import type { Page } from "playwright-core";
import { launchChromium, openTab, withoutChromium as skip } from "../e2e/browser.ts";
import { typeLine, untilShown, untilState } from "../e2e/terminal-page.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { Line } from "../fixtures/line.ts";
import { promise, type Row } from "../fixtures/promise.ts";
import { testToken } from "../fixtures/token.ts";
import { until } from "../fixtures/until.ts";

const scales = { quick: { count: 200_000, cuts: 6, keys: 600 }, full: { count: 2_000_000, cuts: 20, keys: 10_000 } } as const;

const hashOf = (bytes: string | Buffer): string => createHash("sha256").update(bytes).digest("hex");

promise(
  "C10",
  "a page whose network drops resumes, and the bytes are the same to the hash",
  async function* (scale) {
    const { count, cuts, keys } = scales[scale];
    await using gateway = await GatewayProcess.spawn();
    await using line = await Line.open(await gateway.url());
    const browser = await launchChromium();
    try {
      await using tab = await openTab(browser, "about:blank");
      const received = listen(tab.page);
      await tab.page.goto(`${line.url}/#token=${testToken}`);
      await untilState(tab.page, "connected");
      yield* loseOutput(tab.page, received, line, count, cuts);
      yield* loseKeys(tab.page, line, keys, cuts);
    } finally {
      await browser.close();
    }
  },
  { skip },
);

interface Received {
  /** Output, in the order in which the page got it, over all of its sockets. */
  readonly output: Buffer[];
  bytes: number;
  /** The output byte up to which the page said that its terminal has parsed everything. */
  parsed: number;
}

/** What comes to the page's sockets and what it acknowledges, as the browser itself tells it. */
function listen(page: Page): Received {
  const received: Received = { output: [], bytes: 0, parsed: 0 };
  page.on("websocket", (socket) => {
    socket.on("framereceived", ({ payload }) => {
      if (typeof payload === "string") return;
      received.output.push(payload.subarray(1));
      received.bytes += payload.length - 1;
    });
    socket.on("framesent", ({ payload }) => {
      const [, bytes] = /^\{"type":"ack","bytes":(\d+)\}$/.exec(payload.toString()) ?? [];
      if (bytes !== undefined) received.parsed = Number(bytes);
    });
  });
  return received;
}

async function* loseOutput(page: Page, received: Received, line: Line, count: number, cuts: number): AsyncIterable<Row> {
  const numbers = Array.from({ length: count }, (_, n) => `${n + 1}\r\n`).join("");
  const from = received.bytes;
  const before = line.passed.down;
  let done = 0;
  line.onPassed = () => {
    if (done === cuts || line.passed.down - before < ((done + 0.5) * numbers.length) / cuts) return;
    done++;
    line.cut();
  };
  await typeLine(page, `seq 1 ${count}; echo e''nd`);
  const of = `seq 1 ${count}`;
  await until("the end", () => received.bytes - from > numbers.length && received.parsed === received.bytes, 120_000);
  await untilShown(page, /^end/);
  const text = Buffer.concat(received.output).toString("latin1");
  const begin = text.indexOf("\r\n1\r\n", from) + 2;
  const read = text.slice(begin, text.indexOf("end\r\n", begin));
  yield { what: `cuts during ${of} in the page`, measured: done, is: "exactly", limit: cuts, unit: "cuts" };
  yield { what: `bytes of ${of} that the page received`, measured: read.length, is: "exactly", limit: numbers.length, unit: "bytes" };
  yield { what: "hashes that differ from the one without cuts", measured: Number(hashOf(read) !== hashOf(numbers)), limit: 0, unit: "" };
}

/** Presses keys one by one; of each of so many parts the second half is pressed while the line is cut. */
async function* loseKeys(page: Page, line: Line, keys: number, cuts: number): AsyncIterable<Row> {
  line.onPassed = () => undefined;
  await typeLine(page, `stty -icanon -echo; echo rea''dy; head -c ${keys} | sha256sum`);
  await untilShown(page, /^ready/);
  const typed = String.fromCharCode(...Array.from({ length: keys }, (_, n) => 33 + ((n * 7) % 90)));
  const before = line.passed.connections;
  let done = 0;
  for (let part = 0; part < cuts; part++) {
    const [from, half, to] = [part, part + 0.5, part + 1].map((place) => Math.round((place * keys) / cuts));
    await page.keyboard.type(typed.slice(from, half));
    line.onPassed = () => {
      line.onPassed = () => undefined;
      done++;
      line.cut();
    };
    await page.keyboard.type(typed.slice(half, to));
    await until("a cut", () => done > part);
    await untilState(page, "connected");
  }
  const [hash = ""] = await untilShown(page, /^[0-9a-f]{64}/);
  yield { what: `cuts while ${keys} keys were pressed`, measured: done, is: "exactly", limit: cuts, unit: "cuts" };
  yield { what: "connections that it took", measured: line.passed.connections - before, is: "atLeast", limit: cuts, unit: "" };
  yield { what: "hashes that differ from the one of what was typed", measured: Number(hash !== hashOf(typed)), limit: 0, unit: "" };
}
