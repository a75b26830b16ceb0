import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { openGateway, type TestGateway } from "../fixtures/gateway.ts";
import { findKubectls, type Kubectl, KubectlHome } from "../fixtures/kubectl.ts";
import { skipWithout } from "../fixtures/require.ts";

const all = findKubectls();
const current = all.filter(({ minor }) => minor === undefined || minor >= 30);
const old = all.filter(({ minor = 30 }) => minor < 29);
const nameOf = ({ minor }: Kubectl): string => (minor === undefined ? "kubectl" : `kubectl 1.${minor}`);

let served: TestGateway;
let home: KubectlHome;
before(async () => {
  served = await openGateway({}, { listen: ["https://127.0.0.1:0"] });
  home = await KubectlHome.create(served.url, await served.readState("tls.crt"));
});
after(async () => {
  await home[Symbol.asyncDispose]();
  await served[Symbol.asyncDispose]();
});

describe("a kubectl", { skip: skipWithout("kubectl", current.length > 0) }, () => {
  for (const kubectl of current) {
    test(`${nameOf(kubectl)}: exit codes are the command's own`, async () => {
      for (const code of [0, 7, 137]) {
        const { status, stdout, stderr } = await home.run(kubectl, [
          "exec",
          "host",
          "--",
          "sh",
          "-c",
          `echo out; echo err >&2; exit ${code}`,
        ]);
        assert.equal(status, code, stderr);
        assert.equal(stdout.toString(), "out\n");
        assert.match(stderr, /^err\n/);
      }
    });

    test(`${nameOf(kubectl)}: bytes go in and come out as they are`, async () => {
      const bytes = Buffer.concat([randomBytes(1_000_000), Buffer.from(Array.from({ length: 256 }, (_, value) => value))]);
      const { status, stdout, stderr } = await home.run(kubectl, ["exec", "-i", "host", "--", "cat"], bytes);
      assert.equal(status, 0, stderr);
      const digest = (data: Buffer): string => createHash("sha256").update(data).digest("hex");
      assert.deepEqual([stdout.length, digest(stdout)], [bytes.length, digest(bytes)]);
    });

    test(`${nameOf(kubectl)}: get pods, as tables and as they are`, async () => {
      const text = async (...args: string[]): Promise<string> => {
        const { status, stdout, stderr } = await home.run(kubectl, args);
        assert.equal(status, 0, stderr);
        return stdout.toString();
      };
      assert.match(await text("get", "pods", "-A"), /^NAMESPACE +NAME +READY +STATUS +AGE\ndefault +host +1\/1 +Running +<unknown>\n/);
      assert.match(await text("get", "pods", "-o", "wide"), /^NAME +READY +STATUS +AGE +TARGET\nhost .* host\n$/);
      assert.match(await text("get", "pod", "host", "-o", "yaml"), /^kind: Pod$/m);
      const list = JSON.parse(
        await text("get", "pods", "-o", "json", "-l", "execgate/runtime=host", "--field-selector", "metadata.name=host"),
      );
      assert.deepEqual(
        list.items.map((pod: { metadata: { name: string } }) => pod.metadata.name),
        ["host"],
      );
      assert.match(await text("get", "ns"), /^NAME +STATUS +AGE\ndefault +Active/);
    });
  }

  test("what is not there is told in one line", async () => {
    const [kubectl] = current;
    assert.ok(kubectl !== undefined);
    const missing = await home.run(kubectl, ["exec", "web", "--", "true"]);
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /^Error from server \(NotFound\): pods "web" not found/);
    const container = await home.run(kubectl, ["exec", "host", "-c", "web", "--", "true"]);
    assert.equal(container.status, 1);
    assert.match(container.stderr, /container/);
  });
});

describe("a kubectl that speaks SPDY only", { skip: old.length === 0 && "there is none here" }, () => {
  for (const kubectl of old) {
    test(`${nameOf(kubectl)} is told which one to take`, async () => {
      const { status, stderr } = await home.run(kubectl, ["exec", "host", "--", "true"]);
      assert.equal(status, 1);
      assert.match(stderr, /use kubectl 1\.30 or newer/);
    });
  }
});
