import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type ChainedLine, chainLine, chainStart } from "../../src/access/audit/chain.ts";
import { run } from "./operator.ts";

describe("execgate audit verify", () => {
  let dir: string;
  const lines: ChainedLine[] = [];
  for (let i = 0; i < 9; i++)
    lines.push(chainLine(lines.at(-1)?.end ?? chainStart, JSON.stringify({ event: "exec.start", argv: [`${i}`] }).slice(1)));
  const hash = (index: number): string => lines[index]?.end.hash ?? "";
  const write = async (name: string, texts: readonly string[]): Promise<string> => {
    const file = join(dir, name);
    await writeFile(file, texts.map((text) => `${text}\n`).join(""));
    return file;
  };
  const texts = lines.map(({ text }) => text);

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "execgate-verify-"));
  });
  after(() => rm(dir, { recursive: true }));

  it("tells how far an intact file goes", async () => {
    const file = await write("whole", texts);
    const { status, stdout } = await run("audit", "verify", file);
    assert.deepEqual([status, stdout], [0, `${file}: intact, 9 lines, seq 1 to 9, last hash ${hash(8)}\n`]);
    assert.deepEqual((await run("audit", "verify", await write("empty", []))).stdout, `${join(dir, "empty")}: intact, 0 lines\n`);
  });

  it("names the first line that was changed, removed or moved, with status 1", async () => {
    const changed = await write("changed", texts.with(3, texts[3]?.replace('"3"', '"4"') ?? ""));
    assert.deepEqual(await run("audit", "verify", changed), { status: 1, stdout: `${changed}: line 4 was changed or moved\n`, stderr: "" });
    const removed = await write("removed", texts.toSpliced(3, 2));
    const { status, stdout } = await run("audit", "verify", removed);
    assert.equal(status, 1);
    assert.match(stdout, /: line 4 has seq 6 where 4 belongs: what stood there was removed or moved\n$/);
  });

  it("follows the chain through rotated files", async () => {
    const [old, now] = [await write("old", texts.slice(0, 4)), await write("now", texts.slice(4))];
    const { status, stdout } = await run("audit", "verify", old, now);
    assert.equal(status, 0);
    assert.equal(stdout.split("\n")[1], `${now}: intact, 5 lines, seq 5 to 9, carried on from ${hash(3)}, last hash ${hash(8)}`);
    const cut = await write("cut", texts.slice(0, 3));
    assert.deepEqual((await run("audit", "verify", cut, now)).status, 1);
    assert.equal((await run("audit", "verify", now)).status, 0);
  });

  it("says what it does not know and cannot read", async () => {
    assert.deepEqual(await run("audit", "show", "x"), { status: 64, stdout: "", stderr: "execgate: audit: expected verify, got show\n" });
    assert.equal((await run("audit", "verify")).status, 64);
    const { status, stderr } = await run("audit", "verify", join(dir, "nowhere"));
    assert.equal(status, 66);
    assert.match(stderr, /^execgate: ENOENT/);
    assert.match((await run("audit")).stdout, /^execgate audit verify FILE/);
  });
});
