import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";
import { Users } from "../../../src/runtimes/host/users.ts";
import { parseUsers } from "../../../src/runtimes/passwd.ts";
import { code } from "../../conformance/runtime-start.ts";
import { createHost, needsRoot } from "./running.ts";

const passwd = "root:x:0:0:root:/root:/bin/bash\n\n# no user\nbroken:x:a:b:::\ndev:x:1000:1000:,,,:/home/dev:/bin/zsh\n7:x:1001:100::/:\n";
const group = "root:x:0:\nusers:x:100:dev\ndev:x:1000:\nvideo:x:44:root,dev\nempty:x:45:\n";

describe("users are looked up", () => {
  test("with the groups that name them", () => {
    const users = parseUsers(passwd, group);
    assert.deepEqual(
      users.map(({ name }) => name),
      ["root", "dev", "7"],
    );
    assert.deepEqual(users[1], { name: "dev", uid: 1000, gid: 1000, groups: [1000, 100, 44], home: "/home/dev", shell: "/bin/zsh" });
  });

  test("by name before number, and anew when the file has changed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "execgate-users-"));
    const files = [join(folder, "passwd"), join(folder, "group")] as const;
    await writeFile(files[0], passwd);
    const users = new Users(...files, 0);
    assert.equal((await users.find("7"))?.uid, 1001);
    assert.equal((await users.find("1000"))?.name, "dev");
    assert.equal(await users.find("nemo"), undefined);
    assert.equal(await users.find("-1"), undefined);
    await writeFile(files[0], `${passwd}nemo:x:5:5::/:\n`);
    assert.equal((await users.find("nemo"))?.uid, 5);
    await rm(folder, { recursive: true });
  });
});

describe("a named user", { timeout: 20_000, skip: needsRoot }, () => {
  const about = 'id -un; id -G; pwd; echo "$HOME $USER $LOGNAME $SHELL"';

  test("has its own home, groups and a shell that is no nologin", async () => {
    const host = createHost({ user: "daemon" });
    assert.deepEqual(await host.lines(about), ["daemon", "1", "/usr/sbin", "/usr/sbin daemon daemon /bin/bash"]);
    assert.deepEqual((await host.run({ command: [] }, Buffer.from("echo $0\n"))).stdout.toString(), "bash\n");
  });

  test("starts in /, and has it as HOME, when its home cannot be entered", async () => {
    const host = createHost({ user: "nobody" });
    assert.deepEqual(await host.lines(about), ["nobody", "65534", "/", "/ nobody nobody /bin/bash"]);
    assert.deepEqual(await host.lines('echo "$HOME"; pwd', { env: { HOME: "/mine" }, cwd: "/tmp" }), ["/mine", "/tmp"]);
  });

  test("may be asked for when usersAllowed has it", async () => {
    const host = createHost({ usersAllowed: ["daemon"] });
    assert.deepEqual((await host.lines(about, { user: "daemon" }))[0], "daemon");
    assert.deepEqual((await host.lines(about, { user: "1" }))[0], "daemon");
    assert.deepEqual((await host.lines(about, { user: "nobody" }))[0], "nobody");
    assert.deepEqual((await host.lines(about, { user: "65534" }))[0], "nobody");
  });

  test("is FORBIDDEN when it has not, and USER_NOT_FOUND when there is none", async () => {
    const host = createHost({ usersAllowed: ["daemon"] });
    for (const user of ["root", "0", "bin"]) await assert.rejects(host.start({ command: ["true"], user }), code("FORBIDDEN"));
    for (const user of ["nemo", "4000000000", "", "-1"])
      await assert.rejects(host.start({ command: ["true"], user }), code("USER_NOT_FOUND"));
    await assert.rejects(createHost({ user: "nemo" }).start({ command: ["true"] }), code("USER_NOT_FOUND"));
  });

  test("is nobody else than the gateway's own when that is not root", async () => {
    const script = new URL("./as-daemon.js", import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(process.execPath, [script]);
    assert.deepEqual(JSON.parse(stdout), {
      plain: ["daemon", "1 44", "/usr/sbin"],
      own: "daemon",
      root: "NOT_SUPPORTED",
      missing: "USER_NOT_FOUND",
      configured: "NOT_SUPPORTED",
      dynamic: "NOT_SUPPORTED",
      capability: false,
    });
  });
});
