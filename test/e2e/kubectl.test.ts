import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { kubectls, nameOf, newestKubectl, oldKubectls, serveKubectls } from "../fixtures/kubectl-gateway.ts";
import { skipWithout } from "../fixtures/require.ts";
import { processesWith, uniqueSleep, until } from "../fixtures/until.ts";

const gateway = serveKubectls();
const digestOf = (data: Buffer): string => createHash("sha256").update(data).digest("hex");
const large = randomBytes(100_000_000);
const digestOfLarge = digestOf(large);

describe("a kubectl", { skip: skipWithout("kubectl", kubectls.length > 0), concurrency: 2 }, () => {
  for (const kubectl of kubectls) {
    describe(nameOf(kubectl), () => {
      const run = (args: string, script?: string, stdin?: Buffer) =>
        gateway.home.run(kubectl, [...args.split(" "), ...(script === undefined ? [] : [script])], stdin);
      const said = async (args: string): Promise<string> => {
        const { status, stdout, stderr } = await run(args);
        assert.equal(status, 0, stderr);
        return stdout.toString();
      };

      test("exit codes are the command's own", async () => {
        const codes = [0, 7, 137];
        const ends = await Promise.all(codes.map((code) => run("exec host -- sh -c", `echo out; echo err >&2; exit ${code}`)));
        for (const [index, { status, stdout, stderr }] of ends.entries()) {
          assert.equal(status, codes[index], stderr);
          assert.equal(stdout.toString(), "out\n");
          assert.match(stderr, /^err\n/);
        }
      });

      test("bytes go in and come out as they are", async () => {
        const bytes = Buffer.concat([randomBytes(1_000_000), Buffer.from(Array.from({ length: 256 }, (_, value) => value))]);
        const { status, stdout, stderr } = await run("exec -i host --", "cat", bytes);
        assert.equal(status, 0, stderr);
        assert.deepEqual([stdout.length, digestOf(stdout)], [bytes.length, digestOf(bytes)]);
      });

      test("100 MB go in", async () => {
        const { status, stdout, stderr } = await run("exec -i host -- sh -c", "cat | sha256sum", large);
        assert.equal(status, 0, stderr);
        assert.equal(stdout.toString(), `${digestOfLarge}  -\n`);
      });

      test("get pods, as tables and as they are", async () => {
        const selected = "get pods -o json -l execgate/runtime=host --field-selector metadata.name=host";
        const asked = ["get pods -A", "get pods -o wide", "get pod host -o yaml", selected, "get ns"];
        const [everywhere = "", wide = "", yaml = "", json = "", namespaces = ""] = await Promise.all(asked.map(said));
        assert.match(everywhere, /^NAMESPACE +NAME +READY +STATUS +AGE\ndefault +host +1\/1 +Running +<unknown>\n/);
        assert.match(wide, /^NAME +READY +STATUS +AGE +TARGET\nhost .* host\n$/);
        assert.match(yaml, /^kind: Pod$/m);
        const { items } = JSON.parse(json) as { items: { metadata: { name: string } }[] };
        assert.deepEqual(
          items.map(({ metadata }) => metadata.name),
          ["host"],
        );
        assert.match(namespaces, /^NAME +STATUS +AGE\ndefault +Active/);
      });

      test("auth can-i and whoami", async () => {
        const asked = ["create pods/exec", "create pods --subresource=exec", "delete pods", "--list"].map((what) => `can-i ${what}`);
        const answers = await Promise.all([...asked, "whoami"].map(async (args) => (await run(`auth ${args}`)).stdout.toString()));
        for (const [index, expected] of [/^yes\n$/, /^yes\n$/, /^no/, /pods\/exec/, /user:owner/].entries()) {
          assert.match(answers[index] ?? "", expected);
        }
      });

      test("killed in mid-stream, it leaves no command behind", async () => {
        const mark = uniqueSleep();
        const child = gateway.home.spawn(kubectl, ["exec", "host", "--", "sh", "-c", `yes & exec sleep ${mark}`]);
        const isStarted = new Promise((resolve) => child.stdout.once("data", resolve));
        await isStarted;
        child.kill("SIGKILL");
        await until("end of the command", () => processesWith(`sleep\0${mark}`).length === 0, 2000);
      });
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

describe("a kubectl that speaks SPDY", { skip: oldKubectls.length === 0 && "there is none here" }, () => {
  const command = ["exec", "host", "--", "sh", "-c", "echo out; exit 7"];

  for (const kubectl of oldKubectls) {
    test(`${nameOf(kubectl)} is told which one to take`, async () => {
      const { status, stdout, stderr } = await gateway.home.run(kubectl, command);
      assert.deepEqual([status, stdout.length], [1, 0]);
      assert.match(stderr, /use kubectl 1\.30 or newer \(1\.29 with KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true\)/);
    });
  }

  for (const kubectl of oldKubectls.filter(({ minor }) => minor === 29)) {
    test(`${nameOf(kubectl)} works when it is told to speak WebSocket`, async () => {
      const { status, stdout } = await gateway.home.run(kubectl, command, "", { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "true" });
      assert.deepEqual([status, stdout.toString()], [7, "out\n"]);
    });
  }
});
