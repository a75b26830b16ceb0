import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Entry } from "../../../src/runtimes/container/entry.ts";
import { findHierarchy } from "../../../src/runtimes/container/hierarchy.ts";
import { until } from "../../fixtures/until.ts";

const ownGroup = (): string => /^0::(.*)$/m.exec(readFileSync("/proc/self/cgroup", "utf8"))?.[1] ?? "/";

describe("the entry of control groups", { timeout: 10_000 }, () => {
  let mount = "";
  let procs = "";

  // A directory in the place of the kernel's, whose files do not tell who wrote to them.
  before(() => {
    mount = mkdtempSync(join(tmpdir(), "execgate-entry-"));
    procs = join(mount, ownGroup(), "cgroup.procs");
    mkdirSync(dirname(procs), { recursive: true });
    writeFileSync(procs, "");
  });
  after(() => rmSync(mount, { recursive: true }));

  const entered = () => until("an entry", () => readFileSync(procs, "utf8") === String(process.pid));
  const forget = () => writeFileSync(procs, "");

  test("is made by the gateway into its own group, again and again, while somebody expects one", async () => {
    const entry = new Entry(mount);
    const isOver = [entry.expect(), entry.expect()];
    await entered();
    forget();
    isOver[0]?.();
    isOver[0]?.();
    await entered();
    isOver[1]?.();
    // An entry that is under way goes on.
    await delay(30);
    forget();
    await delay(30);
    assert.equal(readFileSync(procs, "utf8"), "", "nobody expects an entry any more");
    const isOverAgain = entry.expect();
    await entered();
    isOverAgain();
  });

  test("is given up where the gateway may not enter its own group, until it is expected again", async () => {
    const entry = new Entry(mount);
    rmSync(procs);
    const isOver = [entry.expect()];
    await delay(30);
    forget();
    await delay(30);
    assert.equal(readFileSync(procs, "utf8"), "");
    isOver.push(entry.expect());
    await entered();
    for (const done of isOver) done();
  });

  test("leaves the gateway where it is", { skip: findHierarchy() === null && "it takes root and control groups (v2)" }, async () => {
    const before = ownGroup();
    const isOver = new Entry().expect();
    await delay(20);
    isOver();
    assert.equal(ownGroup(), before);
  });

  test("is left to the kernel where there is no hierarchy", async () => {
    await delay(30);
    forget();
    const isOver = new Entry(null).expect();
    await delay(30);
    isOver();
    assert.equal(readFileSync(procs, "utf8"), "");
  });
});
