import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { basename, join } from "node:path";
import { after, describe, test } from "node:test";
import { Cgroups } from "../../../src/runtimes/host/cgroups.ts";
import type { Place } from "../../../src/runtimes/host/hierarchies.ts";
import { native } from "../../../src/runtimes/host/native.ts";
import { until } from "../../fixtures/until.ts";
import { createHost } from "./running.ts";

const parent = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].find((path) => existsSync(join(path, "cgroup.procs")));
const host = createHost();
const skip = host.runtime.isolation.tree === "cgroup" ? false : "there are no control groups to be written";
const limits = { processesMax: 0, memoryBytesMax: 0, cpusMax: 0 };

describe("the control groups of gateways that share a directory", { timeout: 20_000, skip }, () => {
  const directory = join(parent ?? "", `execgate-test-${process.pid}`);
  const place: Place = { directory, version: 2, controllers: [], canKill: true };
  const runs = (): string[] => readdirSync(directory).filter((name) => name.startsWith("run-"));
  after(async () => {
    for (const run of runs()) rmdirSync(join(directory, run));
    rmdirSync(directory);
    await host.runtime.close();
  });

  test("are made although another holds the directory up, and what is left in there stays for the next start", async () => {
    mkdirSync(join(directory, "run-gone"), { recursive: true });
    const lock = native.lock(directory, 0);
    const beganMs = performance.now();
    const heldUp = new Cgroups([place], limits);
    const tookMs = performance.now() - beganMs;
    assert.ok(tookMs > 1900 && tookMs < 4000, `it took ${tookMs} ms`);
    const [own] = heldUp.directories.map((path) => basename(path));
    assert.deepEqual(runs().sort(), ["run-gone", own].sort());
    const group = heldUp.take();
    assert.equal(group.isPopulated(), false);
    group.remove();
    native.close(lock);

    const next = new Cgroups([place], limits);
    await until("removal", () => !runs().includes("run-gone"));
    assert.ok(runs().includes(own ?? ""), "the directory of a gateway that is there was taken for abandoned");
    heldUp.close();
    next.close();
  });
});
