import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCast } from "../../../src/web/playback/asciicast.ts";
import { Player } from "../../../src/web/playback/player.ts";

const header = '{"version":2,"width":80,"height":24}';

/** A screen that remembers what is on it. */
function createScreen() {
  const screen = { text: "", size: "", resets: 0 };
  return {
    screen,
    reset() {
      screen.text = "";
      screen.resets++;
    },
    write(text: string) {
      screen.text += text;
    },
    resize({ cols, rows }: { cols: number; rows: number }) {
      screen.size = `${cols}x${rows}`;
      screen.text += `<${screen.size}>`;
    },
  };
}

test("a recording is read line by line, and what is half, unknown or out of shape is passed over", () => {
  const lines = ['[0.5,"o","a\\r\\n"]', '[1,"i","typed"]', '[1.5,"r","100x30"]', '[2,"r","0x0"]', '[3,"o","b"]', '[4,"o","hal'];
  const { size, events, duration } = parseCast([header, ...lines].join("\n"));
  assert.deepEqual(size, { cols: 80, rows: 24 });
  assert.deepEqual(events, [
    { at: 0.5, output: "a\r\n" },
    { at: 1.5, size: { cols: 100, rows: 30 } },
    { at: 3, output: "b" },
  ]);
  assert.equal(duration, 3);
});

test("another format is refused", () => {
  for (const text of ["", "{}", '{"version":1}', "<html>"]) assert.throws(() => parseCast(text), /no recording in asciicast v2/);
});

test("output and sizes come in their order, and what is there at a place is there", () => {
  const to = createScreen();
  const player = new Player(parseCast([header, '[1,"o","a"]', '[2,"r","100x30"]', '[3,"o","b"]'].join("\n")), to);
  player.seek(2.5);
  assert.equal(to.screen.text, "<80x24>a<100x30>");
  assert.equal(player.isAtEnd, false);
  player.seek(99);
  assert.equal(to.screen.text, "<80x24>a<100x30>b");
  assert.deepEqual([player.position, player.isAtEnd], [3, true]);
  player.seek(1);
  assert.deepEqual([to.screen.text, to.screen.size], ["<80x24>a", "80x24"]);
});

test("by whatever way a place is reached, the screen is the same", () => {
  const times = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 20 });
  fc.assert(
    fc.property(times, fc.array(fc.integer({ min: 0, max: 22 }), { minLength: 1, maxLength: 8 }), (at, places) => {
      const lines = at.sort((a, b) => a - b).map((time, i) => `[${time},"o","${i};"]`);
      const cast = parseCast([header, ...lines].join("\n"));
      const [direct, around] = [createScreen(), createScreen()];
      const player = new Player(cast, around);
      for (const place of places) player.seek(place);
      new Player(cast, direct).seek(places.at(-1) ?? 0);
      assert.equal(around.screen.text, direct.screen.text);
    }),
  );
});
