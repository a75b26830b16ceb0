import assert from "node:assert/strict";
import { closeSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { addon } from "../../../src/runtimes/descriptor/native.ts";

const { EEXIST, EINVAL, ELOOP, ENOENT } = constants.errno;

describe("the addon, with files", () => {
  const directory = mkdtempSync(join(tmpdir(), "execgate-paths-"));
  after(() => rmSync(directory, { recursive: true }));

  test("makes a FIFO for its own user, and only where nothing is", () => {
    const path = join(directory, "fifo");
    assert.equal(addon.makeFifo(path), 0);
    assert.ok(statSync(path).isFIFO());
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(addon.makeFifo(path), -EEXIST);
    assert.equal(addon.makeFifo("/".repeat(5000)), -EINVAL);
  });

  test("opens below a root, whatever the links there say", () => {
    const root = join(directory, "root");
    mkdirSync(join(root, "etc"), { recursive: true });
    writeFileSync(join(root, "etc/passwd"), "inside");
    writeFileSync(join(directory, "secret"), "outside");
    symlinkSync("/etc/passwd", join(root, "absolute"));
    symlinkSync("../../../../etc/passwd", join(root, "upward"));
    symlinkSync(join(directory, "secret"), join(root, "outside"));
    symlinkSync("/proc/self/root/etc/passwd", join(root, "magic"));
    for (const path of ["/etc/passwd", "etc/passwd", "../etc/passwd", "/absolute", "/upward"]) {
      const fd = addon.openIn(root, path);
      assert.ok(fd > 0, `${path}: ${fd}`);
      assert.equal(readFileSync(fd, "utf8"), "inside");
      closeSync(fd);
    }
    assert.equal(addon.openIn(root, "/outside"), -ENOENT);
    assert.equal(addon.openIn(root, "/magic"), -ENOENT);
    assert.equal(addon.openIn("/", "/proc/self/root/etc/passwd"), -ELOOP);
    assert.equal(addon.openIn(join(directory, "nowhere"), "/etc/passwd"), -ENOENT);
  });

  test("does not wait for the other end of a FIFO that stands in the place of a file", () => {
    const root = join(directory, "trap");
    mkdirSync(root);
    addon.makeFifo(join(root, "passwd"));
    const fd = addon.openIn(root, "/passwd");
    assert.ok(fd > 0);
    closeSync(fd);
  });
});
