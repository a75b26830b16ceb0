import assert from "node:assert/strict";
import { openSync, readFileSync } from "node:fs";
import { after, describe, test } from "node:test";
import { drain, size } from "../../conformance/process.ts";
import { createHost, needsRoot, sh } from "./running.ts";

const ways = [
  { name: "on pipes", tty: undefined },
  { name: "on a tty", tty: size },
] as const;

describe("a command on the host starts clean", { timeout: 30_000, skip: needsRoot }, () => {
  const host = createHost();
  after(() => host.runtime.close());

  for (const { name, tty } of ways) {
    test(`it has descriptors 0, 1 and 2 only, while 20 terminals are open, ${name}`, async () => {
      const others = await Promise.all(Array.from({ length: 20 }, () => host.start({ command: ["sleep", "60"], tty: size, stdin: true })));
      openSync("/etc/passwd", "r");
      const names = await host.lines("ls /proc/self/fd", { tty });
      // ls itself opens the folder that it lists.
      assert.deepEqual(names.join(" ").split(/\s+/), ["0", "1", "2", "3"]);
      for (const other of others) {
        await other.terminate();
        await other.exit;
        other.release();
      }
    });

    test(`it opens /dev/stdout and /dev/stderr again, ${name}`, async () => {
      const { stdout, stderr, exit } = await host.run({ command: [...sh, "echo out > /dev/stdout && echo err > /dev/stderr"], tty });
      assert.equal(stdout.toString() + stderr.toString(), tty ? "out\r\nerr\r\n" : "out\nerr\n");
      assert.equal(exit.code, 0);
    });

    test(`it is nobody, with no group but its own and no way to more, ${name}`, async () => {
      const status = await host.lines("grep -E '^(Uid|Gid|Groups|NoNewPrivs|CapEff|CapPrm|CapAmb):' /proc/self/status", { tty });
      assert.deepEqual(
        status.map((line) => line.trimEnd()),
        [
          "Uid:\t65534\t65534\t65534\t65534",
          "Gid:\t65534\t65534\t65534\t65534",
          "Groups:",
          "CapPrm:\t0000000000000000",
          "CapEff:\t0000000000000000",
          "CapAmb:\t0000000000000000",
          "NoNewPrivs:\t1",
        ],
      );
    });

    test(`its environment is exactly this, ${name}`, async () => {
      const { stdout } = await host.run({ command: ["env"], env: { ADDED: "1" }, tty });
      const expected = [
        "ADDED=1",
        "HOME=/",
        "LANG=C.UTF-8",
        "LOGNAME=nobody",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "SHELL=/bin/sh",
        ...(tty ? ["TERM=xterm-256color"] : []),
        "USER=nobody",
      ];
      assert.deepEqual(stdout.toString().trimEnd().split(/\r?\n/).sort(), expected);
    });

    test(`it leads its own session in /, with the usual limits and signals, ${name}`, async () => {
      const [directory, files, mask, session, ignored] = await host.lines(
        "pwd; ulimit -Sn; umask; cut -d ' ' -f 6 /proc/$$/stat | grep -qx $$ && echo leader; grep SigIgn /proc/self/status",
        { tty },
      );
      assert.deepEqual([directory, files, mask, session, ignored], ["/", "1024", "0022", "leader", "SigIgn:\t0000000000000000"]);
    });
  }

  test("root's own commands keep what root may do, beside others that have given it up", async () => {
    const both = createHost({ usersAllowed: ["root"] });
    const bounds: string[] = [];
    for (const user of ["nobody", "root", "nobody"]) bounds.push((await both.lines("grep CapBnd /proc/self/status", { user }))[0] ?? "");
    const [ofNobody, ofRoot, again] = bounds;
    assert.deepEqual([ofNobody, again], ["CapBnd:\t0000000000000000", "CapBnd:\t0000000000000000"]);
    assert.equal(ofRoot, /^CapBnd:.*$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[0]);
    await both.runtime.close();
  });

  test("with noNewPrivileges off, set-user-ID programs work", async () => {
    const open = createHost({ noNewPrivileges: false });
    assert.deepEqual(await open.lines("grep NoNewPrivs /proc/self/status"), ["NoNewPrivs:\t0"]);
  });

  test("a terminal's slave is blocking and knows UTF-8", async () => {
    const [flags, attributes] = await host.lines("grep flags /proc/self/fdinfo/0; stty -a | grep -o -- '-*iutf8'", { tty: size });
    assert.equal(Number.parseInt(flags?.split("\t")[1] ?? "", 8) & 0o4000, 0, flags);
    assert.equal(attributes, "iutf8");
  });

  test("no command with a terminal is a login shell that leaves at the end of its input", async () => {
    const running = await host.start({ command: [], tty: size, stdin: true });
    await running.write(Buffer.from("echo $0 $((40 + 2))\nexit 6\n"));
    const { stdout } = await drain(running.output);
    assert.match(stdout.toString(), /-sh 42\r\n/);
    assert.equal((await running.exit).code, 6);
    running.release();
  });
});
