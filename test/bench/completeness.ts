import type { Figure, Measured, Part } from "./figure.ts";
import { openFrameSocket } from "./frame-socket.ts";
import { startGatewayProcess } from "./gateway-process.ts";

const runs = 300;
const concurrency = 8;
const last = 60_000;
const script = `seq 1 ${last}; echo END`;

/** Whether every byte of a short burst reaches the client, in order, with `exit` as the last word. */
export const completeness: Part = {
  name: "completeness",
  about: `${runs} runs each of \`seq 1 ${last}; echo END\` on a terminal and on pipes: every byte there, \`exit\` the last word.`,
  measure,
};

async function measure(): Promise<Measured> {
  await using gateway = await startGatewayProcess();
  const figures: Figure[] = [];
  for (const kind of ["tty", "pipe"] as const) {
    const short = await countShort(gateway.port, kind === "tty", runs);
    figures.push({ name: `${kind} runs of ${runs} with a byte missing`, value: short, unit: "", aim: { is: "atMost", limit: 0 } });
  }
  return { figures };
}

/** How many of `runs` were not complete: a byte missing or wrong, or `exit` not the last word. */
export async function countShort(port: number, isTty: boolean, runs: number): Promise<number> {
  let left = runs;
  let short = 0;
  const work = async (): Promise<void> => {
    while (left-- > 0) if (!(await isComplete(port, isTty))) short++;
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return short;
}

/** A terminal makes a carriage return and a newline of each newline. */
function expected(isTty: boolean): Buffer {
  const newline = isTty ? "\r\n" : "\n";
  const lines = Array.from({ length: last }, (_, index) => `${index + 1}${newline}`);
  return Buffer.from(`${lines.join("")}END${newline}`);
}

const expectations = new Map([true, false].map((isTty) => [isTty, expected(isTty)]));

function isComplete(port: number, isTty: boolean): Promise<boolean> {
  const wanted = expectations.get(isTty) ?? Buffer.alloc(0);
  let at = 0;
  let isSame = true;
  let isExited = false;
  const query = [["tty", isTty ? "1" : "0"], ...["sh", "-c", script].map((item) => ["command", item] as const)] as const;
  return new Promise((resolve) => {
    openFrameSocket(port, query, {
      output(bytes) {
        if (isExited || wanted.compare(bytes, 0, bytes.length, at, Math.min(wanted.length, at + bytes.length)) !== 0) isSame = false;
        at += bytes.length;
      },
      control({ type, outcome, exitCode }) {
        if (type === "exit") isExited = outcome === "exited" && exitCode === 0;
      },
      closed: () => resolve(isSame && isExited && at === wanted.length),
    });
  });
}
