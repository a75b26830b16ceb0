import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { describe, test } from "node:test";
import { Marks, readMark, readStart } from "../../../src/runtimes/containerd/mark.ts";
import { endMarked, MarkedTree } from "../../../src/runtimes/containerd/marked-tree.ts";
import { isInGroup } from "../../../src/runtimes/containerd/members.ts";
import { processesWith, uniqueSleep, until } from "../../fixtures/until.ts";

/** Runs a script whose processes all have `mark`. */
function marked(mark: number, script: string): ChildProcess {
  return spawn("prlimit", [`--rttime=${mark}:${mark}`, "sh", "-c", script], { stdio: "ignore" });
}

describe("a tree of marked processes", { timeout: 20_000 }, () => {
  test("is every process that inherited the mark, and nobody else", async () => {
    const marks = new Marks();
    const [mark, other] = [marks.take(), marks.take()];
    const [mine, theirs] = [uniqueSleep(), uniqueSleep()];
    const child = marked(mark, `env -i setsid sleep ${mine} & (setsid sleep ${mine} &); sleep ${mine}`);
    const neighbour = marked(other, `sleep ${theirs} & wait`);
    await until("the processes", () => processesWith(mine).length >= 4 && processesWith(theirs).length >= 2);
    const tree = new MarkedTree({ marks, mark, pid: child.pid ?? 0, group: undefined, canLeave: false });
    assert.equal(tree.isSeen, true);
    assert.equal(await tree.end(), "verified");
    assert.deepEqual(processesWith(mine), []);
    assert.equal(processesWith(theirs).length, 2);
    assert.deepEqual([marks.isLive(mark), marks.isLive(other)], [false, true]);
    await endMarked((found) => found === other);
    await until("end of the neighbour", () => processesWith(theirs).length === 0);
    assert.ok(neighbour.pid);
  });

  test("that is left alone has its mark for as long as somebody of it is there when it is let go of", async () => {
    const marks = new Marks();
    const mark = marks.take();
    const sleep = uniqueSleep();
    const child = marked(mark, `sleep ${sleep} & wait`);
    await until("the processes", () => processesWith(sleep).length >= 2);
    const tree = new MarkedTree({ marks, mark, pid: child.pid ?? 0, group: undefined, canLeave: false });
    tree.letGo();
    assert.equal(marks.isLive(mark), true);
    await endMarked((found) => found === mark);
    tree.letGo();
    assert.equal(marks.isLive(mark), false);
  });

  test("that is not on this machine is not said to be gone", async () => {
    const marks = new Marks();
    const tree = new MarkedTree({ marks, mark: marks.take(), pid: process.pid, group: undefined, canLeave: false });
    assert.equal(tree.isSeen, false);
    assert.equal(await tree.end(), "bestEffort");
  });

  test("has marks that are exact, and each gateway its own range of them", () => {
    const [ours, theirs] = [new Marks(), new Marks()];
    const given = [ours.take(), ours.take(), theirs.take()];
    assert.equal(new Set(given).size, 3);
    for (const mark of given) assert.ok(Number.isSafeInteger(mark) && mark >= 2 ** 51);
    const [first, last] = ours.range;
    assert.ok(given[0] === first && given[1] === first + 1 && last - first === 2 ** 27 - 1);
    assert.ok((given[2] ?? 0) < first || (given[2] ?? 0) > last);
  });

  test("is looked for among processes that may be gone at any moment", () => {
    assert.equal(readMark(process.pid), undefined);
    assert.ok((readStart(process.pid) ?? 0) > 0);
    assert.deepEqual([readMark(2 ** 22 + 1), readStart(2 ** 22 + 1)], [undefined, undefined]);
    assert.equal(isInGroup(2 ** 22 + 1, "web"), false);
    assert.equal(isInGroup(process.pid, "a-container-that-nobody-has"), false);
  });
});
