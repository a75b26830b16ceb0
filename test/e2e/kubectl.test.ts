import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { kubectls, nameOf, newestKubectl, oldKubectls, serveKubectls } from "../fixtures/kubectl-gateway.ts";
import { skipWithout } from "../fixtures/require.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

const gateway = serveKubectls();
const digestOf = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

describe("a kubectl", { skip: skipWithout("kubectl", kubectls.length > 0) }, () => {
  for (const kubectl of kubectls) {
    test(`${nameOf(kubectl)}: exit codes are the command's own`, async () => {
      for (const code of [0, 7, 137]) {
        const { status, stdout, stderr } = await gateway.home.run(kubectl, [
          ..."exec host -- sh -c".split(" "),
          `echo out; echo err >&2; exit ${code}`,
        ]);
        assert.equal(status, code, stderr);
        assert.equal(stdout.toString(), "out\n");
        assert.match(stderr, /^err\n/);
      }
    });

    test(`${nameOf(kubectl)}: bytes go in and come out as they are`, async () => {
      const bytes = Buffer.concat([randomBytes(1_000_000), Buffer.from(Array.from({ length: 256 }, (_, value) => value))]);
      const { status, stdout, stderr } = await gateway.home.run(kubectl, ["exec", "-i", "host", "--", "cat"], bytes);
      assert.equal(status, 0, stderr);
      assert.deepEqual([stdout.length, digestOf(stdout)], [bytes.length, digestOf(bytes)]);
    });

    test(`${nameOf(kubectl)}: the last line is there, and the exit code behind it`, async () => {
      for (let run = 0; run < 3; run++) {
        const { status, stdout } = await gateway.home.run(kubectl, ["exec", "host", "--", "sh", "-c", "seq 60000; exit 3"]);
        assert.deepEqual([status, stdout.length, stdout.subarray(-6).toString()], [3, 348_894, "60000\n"]);
      }
    });

    test(`${nameOf(kubectl)}: get pods, as tables and as they are`, async () => {
      const text = async (...args: string[]): Promise<string> => {
        const { status, stdout, stderr } = await gateway.home.run(kubectl, args);
        assert.equal(status, 0, stderr);
        return stdout.toString();
      };
      assert.match(await text("get", "pods", "-A"), /^NAMESPACE +NAME +READY +STATUS +AGE\ndefault +host +1\/1 +Running +<unknown>\n/);
      assert.match(await text("get", "pods", "-o", "wide"), /^NAME +READY +STATUS +AGE +TARGET\nhost .* host\n$/);
      assert.match(await text("get", "pod", "host", "-o", "yaml"), /^kind: Pod$/m);
      const wanted = ["-l", "execgate/runtime=host", "--field-selector", "metadata.name=host"];
      const { items } = JSON.parse(await text("get", "pods", "-o", "json", ...wanted)) as { items: { metadata: { name: string } }[] };
      assert.deepEqual(
        items.map(({ metadata }) => metadata.name),
        ["host"],
      );
      assert.match(await text("get", "ns"), /^NAME +STATUS +AGE\ndefault +Active/);
    });

    test(`${nameOf(kubectl)}: auth can-i and whoami`, async () => {
      const ask = async (...args: string[]): Promise<string> => (await gateway.home.run(kubectl, ["auth", ...args])).stdout.toString();
      assert.equal(await ask("can-i", "create", "pods/exec"), "yes\n");
      assert.equal(await ask("can-i", "create", "pods", "--subresource=exec"), "yes\n");
      assert.match(await ask("can-i", "delete", "pods"), /^no/);
      assert.match(await ask("can-i", "--list"), /pods\/exec/);
      assert.match(await ask("whoami"), /user:owner/);
    });

    test(`${nameOf(kubectl)}: killed in mid-stream, it leaves no command behind`, async () => {
      const mark = uniqueSleep();
      const child = gateway.home.spawn(kubectl, ["exec", "host", "--", "sh", "-c", `yes & exec sleep ${mark}`]);
      const isStarted = new Promise((resolve) => child.stdout.once("data", resolve));
      await isStarted;
      child.kill("SIGKILL");
      await until("end of the command", () => processesWith(`sleep\0${mark}`).length === 0, 2000);
    });
  }

  test("what is not there is told in one line", async () => {
    const kubectl = newestKubectl();
    const missing = await gateway.home.run(kubectl, ["exec", "web", "--", "true"]);
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /^Error from server \(NotFound\): pods "web" not found/);
    const container = await gateway.home.run(kubectl, ["exec", "host", "-c", "web", "--", "true"]);
    assert.equal(container.status, 1);
    assert.match(container.stderr, /container/);
  });
});

describe("a kubectl that speaks SPDY only", { skip: oldKubectls.length === 0 && "there is none here" }, () => {
  for (const kubectl of oldKubectls) {
    test(`${nameOf(kubectl)} is told which one to take`, async () => {
      const { status, stderr } = await gateway.home.run(kubectl, ["exec", "host", "--", "true"]);
      assert.equal(status, 1);
      assert.match(stderr, /use kubectl 1\.30 or newer/);
    });
  }
});
