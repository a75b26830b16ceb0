import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { ContainerDaemons, hasContainers } from "../fixtures/container-daemons.ts";
import { Containerd, withoutContainerd } from "../fixtures/containerd.ts";
import { kubectls, newestKubectl, serveKubectls } from "../fixtures/kubectl-gateway.ts";
import { makeOddTree } from "../fixtures/odd-tree.ts";
import { skipWithout } from "../fixtures/require.ts";
import { hasTmux, Tmux } from "../fixtures/tmux.ts";

const withoutKubectl = skipWithout("kubectl", kubectls.length > 0);

/** A daemon with a container `web`, as a runtime's configuration reaches it. */
interface Served extends AsyncDisposable {
  readonly settings: object;
}

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "execgate-cp-"));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Tries kubectl on the pod `web` of the namespace `runtime`. */
function kubectlConformance(runtime: string, start: () => Promise<Served>): void {
  let daemon: Served;
  before(async () => {
    daemon = await start();
  });
  const gateway = serveKubectls(() => ({ runtimes: { [runtime]: daemon.settings } }));
  // Hooks run in this order, at the end too: the gateway ends before the daemon.
  after(() => daemon[Symbol.asyncDispose]());

  const copy = async (from: string, to: string): Promise<void> => {
    const { status, stderr } = await gateway.home.run(newestKubectl(), ["cp", from, to]);
    assert.equal(status, 0, stderr);
  };
  const exec = (options: readonly string[], script: string, stdin?: Buffer) =>
    gateway.home.run(newestKubectl(), ["exec", "-n", runtime, ...options, "web", "--", "sh", "-c", script], stdin);

  test("cp: a file of 100 MB goes there and comes back as it was", async (t) => {
    const dir = await folder(t);
    const bytes = randomBytes(100_000_000);
    await writeFile(join(dir, "sent"), bytes);
    await copy(join(dir, "sent"), `${runtime}/web:/tmp/there`);
    await copy(`${runtime}/web:/tmp/there`, join(dir, "back"));
    assert.ok(bytes.equals(await readFile(join(dir, "back"))));
  });

  test("cp: a tree with odd names goes there and comes back", async (t) => {
    const dir = await folder(t);
    await makeOddTree(join(dir, "tree"));
    await copy(join(dir, "tree"), `${runtime}/web:/tmp/tree`);
    await copy(`${runtime}/web:/tmp/tree`, join(dir, "back"));
    const { stdout } = await promisify(execFile)("diff", ["-r", join(dir, "tree"), join(dir, "back")]);
    assert.equal(stdout, "");
  });

  test("exec: exit codes are the command's own, and it runs in the container", async () => {
    const codes = [0, 7, 137];
    const ends = await Promise.all(codes.map((code) => exec([], `echo out; echo err >&2; [ ! -e /etc/debian_version ] && exit ${code}`)));
    for (const [index, { status, stdout, stderr }] of ends.entries()) {
      assert.equal(status, codes[index], stderr);
      assert.equal(stdout.toString(), "out\n");
      assert.match(stderr, /^err\n/);
    }
  });

  test("exec -i: bytes go in and come out as they are", async () => {
    const bytes = randomBytes(1_000_000);
    const { status, stdout, stderr } = await exec(["-i"], "cat; exit 3", bytes);
    assert.equal(status, 3, stderr);
    assert.ok(bytes.equals(stdout));
  });

  test("exec -it has the size of the terminal, also when it changes", { skip: skipWithout("tmux", hasTmux) }, async () => {
    const command = `'${newestKubectl().path}' exec -it -n ${runtime} web -- sh; echo "it said $?"; sleep 60`;
    await using tmux = await Tmux.open(command, gateway.home.env, 100, 30);
    await tmux.shows(/# ?$/m);
    await tmux.type("stty size");
    await tmux.shows(/^30 100$/m);
    await tmux.resize(70, 20);
    // A size travels beside what is typed, and is there when the shell has it.
    await tmux.type("until [ \"$(stty size)\" = '20 70' ]; do sleep 0.05; done; stty size; exit 4");
    await tmux.shows(/^20 70$/m);
    await tmux.shows(/^it said 4$/m);
  });
}

describe("kubectl in a container of docker", { skip: withoutKubectl || skipWithout("docker", hasContainers) }, () => {
  kubectlConformance("docker", async () => {
    const daemons = await ContainerDaemons.start();
    await daemons.container("web");
    return { settings: { socket: daemons.dockerSocket }, [Symbol.asyncDispose]: () => daemons[Symbol.asyncDispose]() };
  });
});

describe("kubectl in a container of containerd", { skip: withoutKubectl || withoutContainerd }, () => {
  kubectlConformance("containerd", async () => {
    const daemon = await Containerd.start();
    await daemon.runContainer("web");
    return {
      settings: { socket: daemon.socket, fifoDir: daemon.fifoDir, namespaces: [daemon.namespace] },
      [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
    };
  });
});
