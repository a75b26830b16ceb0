import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import type { Cgroups } from "../../../src/runtimes/host/cgroups.ts";
import type { Tenant } from "../../../src/runtimes/host/command-cgroup.ts";
import { Launchers } from "../../../src/runtimes/host/launchers.ts";
import type { Bounds, Launch } from "../../../src/runtimes/host/native.ts";
import { SpawnError } from "../../../src/runtimes/host/spawn-error.ts";

/** A command that is not there: whose start was tried is told so. */
const launch: Launch = {
  files: ["/no/such/file"],
  argv: ["file"],
  envp: [],
  home: "/",
  homeInEnv: false,
  cwd: undefined,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  groups: [],
  changeUser: false,
  tty: -1,
  stdin: false,
};

const bounds: Bounds = {
  noNewPrivileges: false,
  diesWithGateway: true,
  openFilesSoft: 0,
  openFilesMax: 0,
  processesMax: 0,
  supervisor: undefined,
};

const threads = Math.max(2, availableParallelism());

test("who gives up while a thread that starts commands is waited for waits no more, and has nothing started", async (t) => {
  const launchers = new Launchers(undefined, false);
  t.after(() => launchers.close());
  const leaving = Array.from({ length: threads + 100 }, () => new AbortController());
  const started = leaving.map(({ signal }) => launchers.spawn(launch, bounds, signal));
  for (const one of leaving) one.abort(new Error("gone"));
  const reasons = (await Promise.allSettled(started)).map((end) => (end.status === "rejected" ? end.reason : end.value));
  assert.ok(reasons.filter(({ message }) => message === "gone").length >= 100);
  assert.ok(reasons.every((reason) => reason instanceof SpawnError || reason.message === "gone"));
  // The threads are there for who comes next.
  await assert.rejects(launchers.spawn(launch, bounds, new AbortController().signal), SpawnError);
});

/** Groups as they are where no descriptor is left: one can be made, and not be entered. Counts those that were made. */
function groupsThatNobodyEnters() {
  const refuse = () => Promise.reject(Object.assign(new Error("too many open files"), { code: "EMFILE" }));
  const counted = {
    made: 0,
    hasTenants: true,
    take() {
      counted.made++;
      return { admit: refuse };
    },
  };
  return counted;
}

test("threads that cannot go over into their groups leave no trail of them", async (t) => {
  const groups = groupsThatNobodyEnters();
  const launchers = new Launchers(groups as unknown as Cgroups, false);
  t.after(() => launchers.close());
  for (let tries = 0; tries < 200; tries++) {
    await assert.rejects(launchers.spawn(launch, bounds, new AbortController().signal), { code: "EMFILE" });
  }
  assert.ok(groups.made <= 32, `${groups.made} groups were made`);
});

/** A group that notes who stays in it, and lets somebody in when it is told to. */
class ScriptedGroup {
  tenant: Tenant | undefined;
  isUsable = true;
  released = 0;
  letIn!: () => void;
  readonly #open = new Promise<void>((resolve) => {
    this.letIn = resolve;
  });

  async admit(tenant: Tenant): Promise<void> {
    this.tenant = tenant;
    await this.#open;
  }

  dismiss(): void {}

  isUnused(): boolean {
    return this.isUsable;
  }

  release(): void {
    this.released++;
  }
}

test("who waits is not served where the last command left something behind", async (t) => {
  const [first, second] = [new ScriptedGroup(), new ScriptedGroup()];
  const groups = [first, second];
  const launchers = new Launchers({ hasTenants: true, take: () => groups.shift(), giveBack() {} } as unknown as Cgroups, false);
  t.after(() => launchers.close());
  const spawn = () => assert.rejects(launchers.spawn(launch, bounds, new AbortController().signal), SpawnError);
  first.letIn();
  await spawn();
  const waiting = spawn();
  first.isUsable = false;
  first.tenant?.vacated(true);
  second.letIn();
  await waiting;
  assert.deepEqual([first.released, second.released], [1, 1]);
});
