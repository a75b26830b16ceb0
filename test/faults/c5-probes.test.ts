import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { inParallel } from "../fixtures/in-parallel.ts";
import { countDescriptors, countZombies } from "../fixtures/process-facts.ts";
import { promise } from "../fixtures/promise.ts";
import { sendRaw } from "../fixtures/raw-socket.ts";
import { processesWith, uniqueSleep, until, untilStill } from "../fixtures/until.ts";

const base = { target: "host", public: true, cacheMs: 0 };
const get = (name: string, more = "") => `GET /v1/probes/${name} HTTP/1.1\r\nHost: any\r\n${more}\r\n`;

promise("C5", "probes that time out leave no process and no zombie", async function* (scale) {
  const width = 8;
  const runs = scale === "full" ? 10_000 : 160;
  const sleep = uniqueSleep();
  const command = ["sh", "-c", `sleep ${sleep} & setsid sleep ${sleep} & sleep ${sleep}`];
  const probes = Object.fromEntries(Array.from({ length: width }, (_, i) => [`p${i}`, { ...base, command, timeoutMs: 20 }]));
  await using gateway = await GatewayProcess.spawn({ settings: { probes } });
  const [url, pid] = [await gateway.url(), gateway.child.pid ?? 0];
  await sendRaw(url, get("p0", "Connection: close\r\n"));
  const before = await untilStill("descriptors", () => countDescriptors(pid));
  let timeouts = 0;
  await inParallel(width, width, async (i) => {
    // One behind the other, so that none shares the run of another.
    for (let run = 0; run < runs / width; run++) {
      const answer = await sendRaw(url, get(`p${i}`, "Connection: close\r\n"));
      if (answer.startsWith("HTTP/1.1 503") && answer.includes("took longer than 20 ms")) timeouts++;
    }
  });
  yield { what: `answers of ${runs} that said too long`, measured: timeouts, is: "exactly", limit: runs, unit: "answers" };
  yield { what: "processes left by probes", measured: processesWith(sleep).length, limit: 0, unit: "processes" };
  await until("end of the zombies", () => countZombies(pid) === 0).catch(() => undefined);
  yield { what: "zombies left by probes", measured: countZombies(pid), limit: 0, unit: "zombies" };
  await until("closed connections", () => countDescriptors(pid) <= before).catch(() => undefined);
  yield { what: "descriptors more than before the probes", measured: countDescriptors(pid) - before, limit: 0, unit: "descriptors" };
});

promise("C5", "a storm of callers on a slow probe starts one command at a time", async function* (scale) {
  const callers = scale === "full" ? 10_000 : 2000;
  const perConnection = 50;
  const dir = await mkdtemp(join(tmpdir(), "execgate-storm-"));
  await chmod(dir, 0o777);
  const marker = uniqueSleep();
  // A directory is made by one at a time: whoever finds it there has met another.
  const script = `cd ${dir}; : ${marker}; echo run >> runs; mkdir one || echo met >> met; sleep 0.3; rmdir one`;
  await using gateway = await GatewayProcess.spawn({ settings: { probes: { p: { ...base, command: ["sh", "-c", script] } } } });
  const [url, pid] = [await gateway.url(), gateway.child.pid ?? 0];
  await sendRaw(url, get("p", "Connection: close\r\n"));
  const before = countDescriptors(pid);
  const storm = get("p").repeat(perConnection - 1) + get("p", "Connection: close\r\n");
  const answers = await Promise.all(Array.from({ length: callers / perConnection }, () => sendRaw(url, storm)));
  const passed = answers.join("").split("HTTP/1.1 200").length - 1;
  const runs = (await readFile(join(dir, "runs"), "utf8")).split("\n").length - 2;
  const met = await readFile(join(dir, "met"), "utf8").catch(() => "");
  await rm(dir, { recursive: true });
  yield { what: `answers to ${callers} callers that said pass`, measured: passed, is: "exactly", limit: callers, unit: "answers" };
  yield { what: "commands that met another", measured: met.length, limit: 0, unit: "commands" };
  // Those of a connection are answered in order, and what Node reads of one after an answer may begin another run.
  yield { what: "commands that the storm started", measured: runs, limit: 10, unit: "commands" };
  yield { what: "processes left by the storm", measured: processesWith(marker).length, limit: 0, unit: "processes" };
  await until("end of the zombies", () => countZombies(pid) === 0).catch(() => undefined);
  yield { what: "zombies left by the storm", measured: countZombies(pid), limit: 0, unit: "zombies" };
  await until("closed connections", () => countDescriptors(pid) <= before).catch(() => undefined);
  yield { what: "descriptors more after the storm", measured: countDescriptors(pid) - before, limit: 0, unit: "descriptors" };
});
