import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { packageDir } from "../../src/version.ts";
import { dial } from "../fixtures/exec-client.ts";
import type { ExecAnswer } from "../fixtures/gateway.ts";
import { GatewayProcess } from "../fixtures/gateway-process.ts";
import { skipWithout } from "../fixtures/require.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

const unitPath = fileURLToPath(new URL("deploy/systemd/execgate.service", packageDir));
const unit = new Map(
  [...readFileSync(unitPath, "utf8").matchAll(/^(\w+)=(.*)$/gm)].map(([, key = "", value = ""]) => [key, value] as const),
);
const analyze = (...args: string[]) => promisify(execFile)("systemd-analyze", args);

/** The most that `systemd-analyze security` may say, in tenths: 0 is shut in, 100 is open. */
const exposureMax = 35;

/** A gateway that has no more of root's power than the unit leaves it. */
function spawnConfined(options: { settings?: object; under?: readonly string[] } = {}): Promise<GatewayProcess> {
  const kept = (unit.get("CapabilityBoundingSet") ?? "").split(" ").map((name) => `+${name.replace("CAP_", "").toLowerCase()}`);
  const setpriv = ["setpriv", `--bounding-set=-all,${kept.join(",")}`, "--no-new-privs"];
  return GatewayProcess.spawn({ ...options, under: [...setpriv, ...(options.under ?? [])] });
}

/** Uses what the host runtime can: pipes, a terminal, another user, and the end of a tree that does not want to end. */
async function useAll(gateway: GatewayProcess): Promise<ExecAnswer> {
  const [url, request] = [await gateway.url(), await gateway.requester()];
  const exec = async (body: object) => (await request("/v1/exec", { method: "POST", body })).json as ExecAnswer;
  assert.equal((await exec({ command: ["id", "-un"] })).stdout.data, "nobody\n");
  using client = await dial(`${url}/v1/exec?command=sh&command=-c&command=stty%20size;cat&tty=1&cols=91&rows=33`);
  await client.untilStdout("33 91");
  client.stdin("typed\n");
  await client.untilStdout("typed");
  const sleep = uniqueSleep();
  const late = await exec({ command: ["sh", "-c", `trap '' TERM; setsid sleep ${sleep} & sleep ${sleep}`], timeoutMs: 300 });
  assert.equal(late.outcome, "timeout");
  await until("end of all of it", () => processesWith(sleep).length === 0);
  return late;
}

/** The system calls that a set of systemd's stands for. */
function callsOf(set: string, sets: ReadonlyMap<string, readonly string[]>): string[] {
  return (sets.get(set) ?? []).flatMap((name) => (name.startsWith("@") ? callsOf(name, sets) : [name]));
}

const hasAll = process.getuid?.() === 0 && ["systemd-analyze", "setpriv"].every((name) => existsSync(`/usr/bin/${name}`));

describe("the systemd unit", { skip: skipWithout("systemd", hasAll) }, () => {
  it("is one that systemd takes without a word", async () => {
    const { stdout, stderr } = await analyze("verify", unitPath);
    // What it says of programs that are not installed here is no fault of the unit.
    assert.deepEqual(
      `${stdout}${stderr}`.split("\n").filter((line) => line !== "" && !/is not executable|man /.test(line)),
      [],
    );
  });

  it("leaves little open", async () => {
    await analyze("security", "--offline=true", `--threshold=${exposureMax}`, unitPath);
  });

  it("leaves the control groups to the gateway", () => {
    assert.equal(unit.get("Delegate"), "yes");
    assert.ok(!unit.has("ProtectControlGroups"));
    const patience = Number(unit.get("TimeoutStopSec")) * 1000;
    assert.ok(patience > 30_000, "a stop drains for limits.shutdownMs, 30 s");
  });

  it("leaves the power to start commands as others, and to end all that they bring forth", async () => {
    await using gateway = await spawnConfined();
    const late = await useAll(gateway);
    assert.equal(late.termination, "verified");
    const status = readFileSync(`/proc/${gateway.child.pid}/status`, "utf8");
    assert.match(status, /^NoNewPrivs:\s+1$/m);
  });

  it("leaves a user of its own to each command", async () => {
    await using gateway = await spawnConfined({ settings: { runtimes: { host: { user: "dynamic" } } } });
    const request = await gateway.requester();
    const id = async () =>
      ((await request("/v1/exec", { method: "POST", body: { command: ["id", "-u"] } })).json as ExecAnswer).stdout.data.trim();
    assert.ok(Number(await id()) >= 1_900_000_000);
  });

  it("allows every system call that gateway, supervisor and start of a command make", async () => {
    const dir = await mkdtemp(join(tmpdir(), "execgate-strace-"));
    const trace = join(dir, "trace");
    const use = async (): Promise<unknown> => {
      await using gateway = await spawnConfined({ under: ["strace", "-D", "-f", "-qq", "-o", trace] });
      return await useAll(gateway);
    };
    // Each nudge of a start is one more stop for strace: beside others that keep the machine busy a start can run out of time.
    await use().catch(use).catch(use);
    const made = new Set([...(await readFile(trace, "utf8")).matchAll(/^\d+ +([a-z_0-9]+)\(/gm)].map(([, name = ""]) => name));
    await rm(dir, { recursive: true });
    assert.ok(made.size > 50, `only ${made.size} system calls were seen`);
    const text = execFileSync("systemd-analyze", ["syscall-filter"], { encoding: "utf8" });
    const sets = new Map(
      text.split(/^(?=@)/m).map((block) => {
        const [name = "", ...calls] = block.split("\n").map((line) => line.trim());
        return [name, calls.filter((call) => call !== "" && !call.startsWith("#"))] as const;
      }),
    );
    const allowed = new Set((unit.get("SystemCallFilter") ?? "").split(" ").flatMap((set) => callsOf(set, sets)));
    assert.deepEqual(
      [...made].filter((call) => !allowed.has(call)),
      [],
    );
  });
});
