import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { saveReport } from "./report.ts";

describe("the report of the bench", () => {
  const directory = mkdtempSync(join(tmpdir(), "execgate-report-"));
  after(() => rmSync(directory, { recursive: true }));
  const read = (name: string) => readFileSync(join(directory, name), "utf8");

  test("has every figure beside its aim, and says why a part was skipped", () => {
    const atMostOne = { is: "atMost", limit: 1 } as const;
    saveReport(directory, [
      {
        name: "fast",
        about: "How fast.",
        skipped: undefined,
        figures: [
          { name: "reached", value: 0.5, unit: "×", aim: atMostOne },
          { name: "not reached", value: 1.5, unit: "×", aim: atMostOne },
          { name: "plain", value: 3, unit: "" },
        ],
        chart: {
          title: "a < b",
          unit: "ms",
          bars: [
            { label: "ours", value: 1 },
            { label: "theirs", value: 2 },
          ],
        },
      },
      { name: "other", about: "Another.", skipped: "there is no other on this machine", figures: [] },
    ]);
    const text = read("RESULTS.md");
    assert.match(text, /^\| reached \| 0\.500 × \| ≤ 1 \| met \|$/m);
    assert.match(text, /^\| not reached \| 1\.500 × \| ≤ 1 \| \*\*missed\*\* \|$/m);
    assert.match(text, /^\| plain \| 3 \| {2}\| {2}\|$/m);
    assert.match(text, /`npm run bench -- fast`/);
    assert.match(text, /Skipped: there is no other on this machine\./);
    assert.equal(JSON.parse(read("results.json")).sections.length, 2);
    assert.match(read("fast.svg"), /a &lt; b/);
    assert.equal(existsSync(join(directory, "other.svg")), false);
  });
});
