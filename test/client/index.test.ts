import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { attach, exec, open, type Session } from "../../src/client-node.ts";
import { packageDir } from "../../src/version.ts";
import { openGateway, type TestGateway, testToken } from "../fixtures/gateway.ts";
import { Line } from "../fixtures/line.ts";
import { until } from "../fixtures/until.ts";

let served: TestGateway;
let at: { readonly url: string; readonly token: string };
before(async () => {
  served = await openGateway();
  at = { url: served.url, token: testToken };
});
after(() => served[Symbol.asyncDispose]());

async function textOf(session: Session): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const event of session) if (event.type === "output") pieces.push(event.bytes);
  return Buffer.concat(pieces).toString();
}

async function exitCodeOf(session: Session): Promise<number | null | undefined> {
  const end = await session.ended;
  return end.kind === "exit" ? end.exit.exitCode : undefined;
}

describe("execgate/client", () => {
  test("runs a command, whose output is iterated and whose end is told", async () => {
    const run = await exec({ ...at, command: ["sh", "-c", "echo $A; echo err >&2; exit 7"], env: { A: "hello" } });
    const seen: string[] = [];
    for await (const event of run) seen.push(event.type === "output" ? `${event.stream} ${Buffer.from(event.bytes)}` : event.type);
    assert.deepEqual(seen.toSorted(), ["attached", "stderr err\n", "stdout hello\n"]);
    assert.equal(await exitCodeOf(run), 7);
  });

  test("talks to a command on a terminal", async () => {
    const shell = await open({ ...at, command: ["sh", "-c", "stty size; read x; stty size; echo got $x"], tty: true, cols: 90, rows: 30 });
    const text = textOf(shell);
    shell.resize(100, 40);
    await shell.write("typed\r");
    assert.match(await text, /40 100\r\ngot typed\r\n$/);
  });

  test("closes stdin behind what was written, and reads at the pace of the loop", async () => {
    const cat = await open({ ...at, command: ["cat"] });
    const sent = "x".repeat(3_000_000);
    const written = cat.write(sent).then(() => cat.eof());
    let bytes = 0;
    for await (const event of cat) {
      if (event.type !== "output") continue;
      bytes += event.bytes.byteLength;
      if (bytes < 300_000) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    assert.deepEqual([bytes, await written, await exitCodeOf(cat)], [sent.length, true, 0]);
  });

  test("joins a session, leaves it and comes back", async () => {
    const one = await open({ ...at, command: ["sh", "-c", "echo one; read x; echo two"] });
    let id = "";
    for await (const event of one) {
      if (event.type === "attached") id = event.attached.session;
      if (event.type === "output") break;
    }
    assert.equal((await one.ended).kind, "detached");
    const two = await attach({ ...at, session: id });
    await two.write("\n");
    assert.equal(await textOf(two), "one\ntwo\n");
    const viewer = await attach({ ...at, session: id, role: "viewer" });
    assert.equal(await textOf(viewer), "one\ntwo\n");
  });

  test("ends a command with all its processes", async () => {
    const run = await exec({ ...at, command: ["sleep", "1000"] });
    for await (const event of run) if (event.type === "attached") void run.kill();
    const end = await run.ended;
    assert.ok(end.kind === "exit" ? end.exit.endedBy === "client" : end.kind === "closed", JSON.stringify(end));
    await until("no session", async () => (await served.metric("execgate_sessions_active")) === 0);
  });

  test("goes on where it was when the line is cut", async () => {
    await using line = await Line.open(served.url);
    // By then the client has answered, so that the gateway knows that it can come back.
    let next = 400_000;
    line.onPassed = () => {
      if (line.passed.down < next) return;
      next += 150_000;
      line.cut();
    };
    const losses: number[] = [];
    const run = await exec({
      ...at,
      url: line.url,
      command: ["seq", "1", "200000"],
      onLost: ({ closeCode }) => void losses.push(closeCode),
    });
    assert.equal(await textOf(run), `${Array.from({ length: 200_000 }, (_, n) => n + 1).join("\n")}\n`);
    assert.ok(losses.length >= 2, `${losses}`);
  });

  test("says why it was not let in, by the code", async () => {
    await assert.rejects(exec({ ...at, token: "wrong-token-of-a-test", command: ["true"] }), {
      name: "Refusal",
      code: "UNAUTHENTICATED",
      isFinal: true,
    });
    await assert.rejects(open({ ...at, target: "nowhere" }), { name: "Refusal", code: "TARGET_NOT_FOUND" });
    await assert.rejects(attach({ ...at, session: "none" }), { name: "Refusal", code: "SESSION_NOT_FOUND" });
    await assert.rejects(exec({ url: "http://127.0.0.1:1", command: ["true"] }), { name: "Refusal", isFinal: false });
    const run = await exec({ ...at, command: ["no-such-command"] });
    assert.equal(await textOf(run), "");
    const end = await run.ended;
    assert.deepEqual([end.kind, end.kind === "error" && end.code], ["error", "COMMAND_NOT_FOUND"]);
  });
});

test("the package gives its types to programs that use it, in Node and in a browser", () => {
  const dir = mkdtempSync(join(tmpdir(), "execgate-types-"));
  try {
    symlinkSync(fileURLToPath(new URL("node_modules", packageDir)), join(dir, "node_modules"));
    writeFileSync(
      join(dir, "use.mts"),
      `import { exec, type Session, Refusal } from "execgate/client";
       const run: Session = await exec({ url: "http://127.0.0.1:8080", token: "t", command: ["true"] });
       for await (const event of run) if (event.type === "output") { const bytes: Uint8Array = event.bytes; void bytes; }
       const end = await run.ended;
       const code: number | null = end.kind === "exit" ? end.exit.exitCode : null;
       // @ts-expect-error a command is a list of words
       await exec({ command: "true" });
       void [code, Refusal];`,
    );
    const tsc = fileURLToPath(new URL("node_modules/.bin/tsc", packageDir));
    const root = fileURLToPath(packageDir);
    const paths = { "execgate/client": [join(root, "dist/src/client-node.d.ts")] };
    const compilerOptions = {
      module: "nodenext",
      target: "es2023",
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
      lib: ["es2023", "dom"],
      paths,
    };
    writeFileSync(join(dir, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["use.mts"] }));
    execFileSync(process.execPath, [tsc, "-p", dir], { encoding: "utf8" });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
