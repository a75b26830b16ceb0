import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { extract, type Pack, pack } from "tar-stream";
import { parseSide } from "../../src/cli/cp.ts";
import { unpackTree } from "../../src/cli/unpack.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { until } from "../fixtures/until.ts";
import { createFakeTerminal, runToEnd } from "./fake-terminal.ts";

let served: TestGateway;
let dir: string;
before(async () => {
  served = await openGateway();
});
after(() => served[Symbol.asyncDispose]());
beforeEach((t) => {
  dir = mkdtempSync(join(tmpdir(), "execgate-cp-"));
  // Commands of a gateway of root run as nobody.
  chmodSync(dir, 0o777);
  (t as { after(then: () => void): void }).after(() => rmSync(dir, { recursive: true }));
});

async function cp(...args: string[]) {
  const io = createFakeTerminal(served.url);
  Object.assign(io.env, { EXECGATE_TOKEN: testToken });
  return await runToEnd(["cp", ...args], io);
}

async function copied(...args: string[]): Promise<void> {
  assert.deepEqual(await cp(...args), { status: 0, stdout: "", stderr: "" });
}

const oddNames = ["-n", "a b", "new\nline", "ünï", "'\"$(x)`", "*", "x:y", ".hidden", "a".repeat(200)];

/** A folder with everything that is copied. */
function plant(root: string): void {
  mkdirSync(join(root, "deep/er"), { recursive: true });
  chmodSync(root, 0o755);
  for (const name of oddNames) writeFileSync(join(root, "deep", name), `it is ${name}`);
  writeFileSync(join(root, "program"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(join(root, "empty"), "");
  writeFileSync(join(root, "bytes"), Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 256)));
  symlinkSync("program", join(root, "link"));
  symlinkSync("../program", join(root, "deep/up"));
}

function assertSame(one: string, other: string): void {
  const names = readdirSync(one, { recursive: true, encoding: "utf8" }).sort();
  assert.deepEqual(readdirSync(other, { recursive: true, encoding: "utf8" }).sort(), names);
  for (const name of names) {
    const [a, b] = [lstatSync(join(one, name)), lstatSync(join(other, name))];
    assert.equal(b.mode, a.mode, name);
    if (a.isSymbolicLink()) assert.equal(readlinkSync(join(other, name)), readlinkSync(join(one, name)));
    else if (a.isFile()) assert.deepEqual(readFileSync(join(other, name)), readFileSync(join(one, name)), name);
  }
}

describe("cp", () => {
  test("carries a folder there and back with all its names, rights and links", async () => {
    plant(join(dir, "tree"));
    mkdirSync(join(dir, "there"));
    chmodSync(join(dir, "there"), 0o777);
    await copied(join(dir, "tree"), `host:${dir}/there`);
    assertSame(join(dir, "tree"), join(dir, "there/tree"));
    await copied(`host:${dir}/there/tree`, join(dir, "back"));
    assertSame(join(dir, "tree"), join(dir, "back"));
    await copied(`host:${dir}/there/tree/.`, join(dir, "contents"));
    assertSame(join(dir, "tree"), join(dir, "contents"));
    await copied(`host:${dir}/there/tree`, `host:${dir}/there/twice`);
    assertSame(join(dir, "tree"), join(dir, "there/twice"));
  });

  test("keeps two names of one file together, in each copy by themselves", async () => {
    mkdirSync(join(dir, "tree"));
    writeFileSync(join(dir, "tree/one"), "shared");
    linkSync(join(dir, "tree/one"), join(dir, "tree/two"));
    await copied(`host:${dir}/tree`, `host:${dir}/copy`);
    await copied(`host:${dir}/tree`, join(dir, "fetched"));
    for (const copy of ["copy", "fetched"]) {
      const [one, two] = ["one", "two"].map((name) => statSync(join(dir, copy, name)));
      assert.deepEqual([two?.ino, two?.nlink], [one?.ino, 2], copy);
    }
  });

  test("gives a single file the name that is asked for, and a folder's that is there", async () => {
    for (const name of oddNames) {
      writeFileSync(join(dir, name), name, { mode: 0o644 });
      await copied(join(dir, name), `host:${dir}/sent`);
      assert.equal(readFileSync(join(dir, "sent"), "utf8"), name);
      await copied(`host:${dir}/${name}`, join(dir, "fetched"));
      assert.equal(readFileSync(join(dir, "fetched"), "utf8"), name);
    }
    mkdirSync(join(dir, "folder"));
    await copied(`host:${dir}/a b`, join(dir, "folder"));
    assert.equal(readFileSync(join(dir, "folder/a b"), "utf8"), "a b");
  });

  test("streams 100 MB both ways", async () => {
    const sent = randomBytes(100_000_000);
    writeFileSync(join(dir, "large"), sent, { mode: 0o644 });
    await copied(join(dir, "large"), `host:${dir}/there`);
    await copied(`host:${dir}/there`, join(dir, "back"));
    const hash = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
    assert.equal(hash(readFileSync(join(dir, "back"))), hash(sent));
  });

  test("keeps the rights of what nobody may read", async () => {
    mkdirSync(join(dir, "tree"));
    writeFileSync(join(dir, "tree/closed"), "");
    chmodSync(join(dir, "tree/closed"), 0);
    await copied(join(dir, "tree"), `host:${dir}/there`);
    assert.equal(statSync(join(dir, "there/closed")).mode & 0o777, 0);
  });

  test("says what it leaves out, and fails where that is a file", async () => {
    mkdirSync(join(dir, "tree"));
    chmodSync(join(dir, "tree"), 0o755);
    writeFileSync(join(dir, "tree/a"), "kept");
    spawnSync("mkfifo", [join(dir, "tree/pipe")]);
    const piped = { status: 0, stdout: "", stderr: `execgate: ${dir}/tree/pipe is left out: it is no file, folder or link\n` };
    assert.deepEqual(await cp(join(dir, "tree"), `host:${dir}/piped`), piped);
    const alone = { status: 255, stdout: "", stderr: `execgate: ${dir}/tree/pipe is no file, folder or link\n` };
    assert.deepEqual(await cp(join(dir, "tree/pipe"), `host:${dir}/piped`), alone);
    rmSync(join(dir, "tree/pipe"));
    writeFileSync(Buffer.from(`${dir}/tree/caf\xe9`, "latin1"), "lost");
    for (const [from, to] of [
      [`${dir}/tree`, `host:${dir}/up`],
      [`host:${dir}/tree`, `${dir}/down`],
      [`host:${dir}/tree`, `host:${dir}/over`],
    ] as const) {
      const { status, stderr } = await cp(from, to);
      assert.equal(status, 255, stderr);
      assert.match(stderr, /^execgate: \S*tree\/caf\ufffd is left out: a name that is no UTF-8\n$/);
      assert.deepEqual(readdirSync(to.replace("host:", "")), ["a"]);
    }
  });

  test("that is interrupted ends what it runs on the target, and is 130", async () => {
    writeFileSync(join(dir, "large"), "");
    truncateSync(join(dir, "large"), 8e9);
    for (const [from, to] of [
      [`${dir}/large`, `host:${dir}/up`],
      [`host:${dir}/large`, `${dir}/down`],
    ] as const) {
      const io = createFakeTerminal(served.url);
      Object.assign(io.env, { EXECGATE_TOKEN: testToken });
      const copying = runToEnd(["cp", from, to], io);
      await until("bytes", () => (statSync(to.replace("host:", ""), { throwIfNoEntry: false })?.size ?? 0) > 0);
      io.signals.emit("SIGINT", "SIGINT");
      assert.deepEqual(await copying, { status: 130, stdout: "", stderr: "" });
      assert.equal(await served.metric("execgate_sessions_active"), 0);
      assert.deepEqual(io.signals.eventNames(), []);
    }
  });

  test("says what was wrong, and leaves no command behind", async () => {
    for (const [args, text] of [
      [[`host:${dir}/missing`, dir], /tar.*missing/],
      [[join(dir, "missing"), "host:/tmp"], /ENOENT.*missing/],
      [[dir, "host:/no/such/place"], /tar on the target failed/],
      [[`host:${dir}`, join(dir, "no/such/place")], /ENOENT/],
      [["nowhere:/a", dir], /TARGET_NOT_FOUND/],
      [["/a", "/b"], /must name a target/],
      [["/a"], /say execgate cp/],
    ] as const) {
      const { status, stderr } = await cp(...args);
      assert.equal(status, 255);
      // The target's tar may have more to say than a line.
      assert.match(stderr, new RegExp(`^execgate: [^\\n]*${text.source}[^\\n]*\\n(tar: [^\\n]*\\n)*$`), args.join(" "));
    }
    await until("end of the commands", async () => (await served.metric("execgate_sessions_active")) === 0);
  });
});

test("a side names a target before a colon, and a path of this machine where it looks like one", () => {
  for (const [text, target, path] of [
    ["host:/a", "host", "/a"],
    ["docker:web:/a:/b", "docker:web", "/a:/b"],
    ["docker:web:a", "docker:web", "a"],
    ["kubernetes:prod/web/app:/etc/hosts", "kubernetes:prod/web/app", "/etc/hosts"],
    ["host:", "host", "."],
    ["./a:b", undefined, "./a:b"],
    ["/a:b", undefined, "/a:b"],
    ["plain", undefined, "plain"],
  ] as const) {
    assert.deepEqual(parseSide(text), { target, path });
  }
});

describe("an archive of somebody hostile", () => {
  /** Unpacks what `build` packs into `dir/root`, and says what was skipped. */
  async function unpack(build: (archive: Pack) => void): Promise<string[]> {
    const [archive, reader, skipped] = [pack(), extract(), [] as string[]];
    build(archive);
    archive.finalize();
    archive.pipe(reader);
    await unpackTree(reader, { root: join(dir, "root"), isNameless: false, skipped: (text) => void skipped.push(text) });
    return skipped;
  }

  test("writes nothing outside of the destination by its names", async () => {
    for (const name of ["../x", "/x", "tree/../../x", "tree/..", "tree/a/../../../x"]) {
      await assert.rejects(
        unpack((archive) => archive.entry({ name }, "bad")),
        { name: "ClientError", message: /leads out of the destination/ },
        name,
      );
      await assert.rejects(
        unpack((archive) => {
          archive.entry({ name: "tree", type: "directory" });
          archive.entry({ name: "tree/l", type: "link", linkname: name });
        }),
        { name: "ClientError", message: /leads out of the destination/ },
        name,
      );
    }
    assert.deepEqual(existsSync(join(dir, "x")), false);
  });

  test("writes through no link, whether it brought it or it was there", async () => {
    mkdirSync(join(dir, "outside"));
    mkdirSync(join(dir, "root"));
    symlinkSync(join(dir, "outside"), join(dir, "root/there"));
    const isFolder = { message: /is there already, and is no folder/ };
    await assert.rejects(
      unpack((archive) => archive.entry({ name: "tree/there/file" }, "bad")),
      isFolder,
    );
    const skipped = await unpack((archive) => {
      archive.entry({ name: "tree/absolute", type: "symlink", linkname: join(dir, "outside") });
      archive.entry({ name: "tree/up", type: "symlink", linkname: "../outside" });
      archive.entry({ name: "tree/deep/up", type: "symlink", linkname: "../../outside" });
      archive.entry({ name: "tree/fine", type: "symlink", linkname: "deep/../absolute" });
    });
    assert.equal(skipped.length, 3);
    await assert.rejects(
      unpack((archive) => {
        archive.entry({ name: "tree/self", type: "symlink", linkname: "deep" });
        archive.entry({ name: "tree/self/file" }, "bad");
      }),
      isFolder,
    );
    writeFileSync(join(dir, "outside/target"), "as it was");
    symlinkSync(join(dir, "outside/target"), join(dir, "root/file"));
    await unpack((archive) => archive.entry({ name: "tree/file" }, "new"));
    assert.deepEqual(
      [readFileSync(join(dir, "root/file"), "utf8"), readFileSync(join(dir, "outside/target"), "utf8")],
      ["new", "as it was"],
    );
    assert.deepEqual(readdirSync(join(dir, "outside")), ["target"]);
  });

  test("leaves no link that leads out of the destination by way of another", async () => {
    mkdirSync(join(dir, "root"));
    mkdirSync(join(dir, "outside"));
    writeFileSync(join(dir, "outside/secret"), "secret");
    const skipped = await unpack((archive) => {
      archive.entry({ name: "tree/a/b/top", type: "symlink", linkname: "../.." });
      archive.entry({ name: "tree/a/b/after", type: "symlink", linkname: "top/../outside/secret" });
      // What it goes through becomes a link only when it is there already.
      archive.entry({ name: "tree/a/b/before", type: "symlink", linkname: "later/../outside/secret" });
      archive.entry({ name: "tree/a/b/later", type: "symlink", linkname: "../.." });
      archive.entry({ name: "tree/a/fine", type: "symlink", linkname: "b/../.." });
    });
    assert.deepEqual(skipped, [
      "tree/a/b/after is left out: it links to top/../outside/secret",
      "tree/a/b/before is left out: it links to later/../outside/secret",
    ]);
    const links = ["top", "later", "../fine"].map((name) => realpathSync(join(dir, "root/a/b", name)));
    assert.deepEqual(new Set(links), new Set([realpathSync(join(dir, "root"))]));
  });

  test("gives no rights beyond those of reading, writing and running, and no devices", async () => {
    const skipped = await unpack((archive) => {
      archive.entry({ name: "tree/suid", mode: 0o6755 }, "x");
      archive.entry({ name: "tree/disk", type: "block-device", devmajor: 8, devminor: 0 });
      archive.entry({ name: "tree/\u001b[2J", type: "fifo" });
    });
    assert.equal(statSync(join(dir, "root/suid")).mode & 0o7777, 0o755);
    assert.deepEqual(skipped, ["tree/disk is left out: it is a block-device", "tree/\\u{1b}[2J is left out: it is a fifo"]);
  });
});
