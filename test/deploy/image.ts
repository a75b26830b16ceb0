/** `npm run image`: builds the image of deploy/ on a base made by debootstrap, with a dockerd of its own, and tries what it promises. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { request as sendRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { packageDir } from "../../src/version.ts";
import { ContainerDaemons } from "../fixtures/container-daemons.ts";
import { type ExecAnswer, testToken } from "../fixtures/gateway.ts";
import { type HttpAnswer, readAnswer } from "../fixtures/http-answer.ts";
import { until } from "../fixtures/until.ts";

const run = promisify(execFile);
const root = fileURLToPath(packageDir);
const authorities = "/etc/ssl/certs/ca-certificates.crt";

/** What Debian's own packages do not have in the version that is needed is this machine's: Node, with its headers and npm. */
async function makeBase(dir: string, daemons: ContainerDaemons): Promise<void> {
  await run("debootstrap", ["--variant=minbase", "--include=ca-certificates,tini,python3,make,g++", "bookworm", dir]);
  for (const path of ["bin/node", "include/node", "lib/node_modules/npm"]) {
    await mkdir(join(dir, "usr", path, ".."), { recursive: true });
    await cp(join("/usr", path), join(dir, "usr", path), { recursive: true, verbatimSymlinks: true });
  }
  await symlink("../lib/node_modules/npm/bin/npm-cli.js", join(dir, "usr/bin/npm"));
  await cp(authorities, join(dir, authorities));
  await run("tar", ["-C", dir, "-cf", `${dir}.tar`, "."]);
  await daemons.docker("import", "--change", `ENV NODE_EXTRA_CA_CERTS=${authorities}`, `${dir}.tar`, "base:local");
}

describe("the image", { timeout: 900_000 }, () => {
  let [daemons, dir]: [ContainerDaemons, string] = [] as never;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "execgate-image-"));
    // The legacy builder needs no plugin, and asks no registry for one.
    process.env.DOCKER_BUILDKIT = "0";
    daemons = await ContainerDaemons.start({ dockerd: ["--storage-driver=overlay2"] });
    await makeBase(join(dir, "base"), daemons);
    const bases = ["BUILD_BASE=base:local", "BASE=base:local", "NODE_DIR=/usr"].flatMap((arg) => ["--build-arg", arg]);
    // Compilers and packages take longer than any other answer of the daemon may.
    const build = ["build", "-q", "--network", "host", ...bases, "-f", join(root, "deploy/Dockerfile"), "-t", "execgate:local", root];
    await run("docker", ["-H", `unix://${daemons.dockerSocket}`, ...build]);
    await mkdir(join(dir, "run"));
    await chmod(join(dir, "run"), 0o777);
    const probe = { target: "host", command: ["sh", "-c", "sleep 60 & setsid sleep 60 & sleep 60"], timeoutMs: 20, cacheMs: 0 };
    const settings = { listen: ["127.0.0.1:8080", "unix:/run/execgate/socket"], probes: { late: probe } };
    await writeFile(join(dir, "run/execgate.yaml"), JSON.stringify(settings));
    const mounted = ["-v", `${join(dir, "run")}:/run/execgate`, "-e", "EXECGATE_CONFIG=/run/execgate/execgate.yaml"];
    const options = ["--name", "gate", "--network", "none", "--stop-timeout", "35", "-e", `EXECGATE_TOKEN=${testToken}`];
    await daemons.docker("run", "-d", ...options, ...mounted, "execgate:local");
    await until(
      "listener",
      () =>
        request("GET", "/healthz")
          .then(({ status }) => status === 200)
          .catch(() => false),
      20_000,
    );
  });
  after(async () => {
    await daemons?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  function request(method: string, path: string, body?: object): Promise<HttpAnswer> {
    const headers = { authorization: `Bearer ${testToken}`, ...(body && { "content-type": "application/json" }) };
    return new Promise((resolve, reject) => {
      const sent = sendRequest({ socketPath: join(dir, "run/socket"), method, path, headers, agent: false }, (answer) =>
        readAnswer(answer).then(resolve, reject),
      );
      sent.on("error", reject);
      sent.end(body && JSON.stringify(body));
    });
  }

  const exec = (...command: string[]) => request("POST", "/v1/exec", { command });
  /** The states of the processes in the container, such as `S` and `Z`. */
  const states = async (): Promise<string[]> =>
    (await daemons.docker("exec", "gate", "sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | cut -c1")).split("\n");

  it("has an init as process 1, and runs as a user that is not root", async () => {
    assert.equal(await daemons.docker("exec", "gate", "cat", "/proc/1/comm"), "tini");
    assert.equal(await daemons.docker("exec", "gate", "id", "-u"), "10001");
    assert.match(await daemons.docker("exec", "gate", "sed", "-n", "/^Uid/p", "/proc/1/status"), /^Uid:\s+10001\s+10001\s+10001\s+10001$/);
  });

  it("is healthy", async () => {
    const health = () => daemons.docker("inspect", "-f", "{{.State.Health.Status}}", "gate");
    await until("a green health check", async () => (await health()) === "healthy", 40_000);
  });

  it("runs commands, for callers outside and for its own client", async () => {
    const { outcome, exitCode, stdout } = (await exec("sh", "-c", "id -u; exit 4")).json as ExecAnswer;
    assert.deepEqual([outcome, exitCode, stdout.data], ["exited", 4, "10001\n"]);
    assert.equal(await daemons.docker("exec", "gate", "execgate", "exec", "--", "echo", "hi"), "hi");
  });

  it("keeps no process and no zombie of 200 probes that time out", async () => {
    for (let i = 0; i < 200; i++) assert.equal((await request("GET", "/v1/probes/late")).status, 503);
    const left = await daemons.docker("exec", "gate", "sh", "-c", "cat /proc/[0-9]*/comm | grep -c sleep || true");
    assert.equal(left, "0");
    assert.ok(!(await states()).includes("Z"));
  });

  it("drains on SIGTERM: what runs comes to its end, nothing more begins, and the end is 0", async () => {
    const running = exec("sh", "-c", "sleep 2; echo done");
    await until(
      "a session",
      async () => ((await request("GET", "/v1/sessions?state=running")).json as { sessions: unknown[] }).sessions.length === 1,
    );
    const stopped = daemons.docker("stop", "gate");
    await until("draining", async () => (await request("GET", "/readyz")).status === 503);
    assert.equal((await exec("true")).status, 503);
    assert.equal(((await running).json as ExecAnswer).stdout.data, "done\n");
    await stopped;
    assert.equal(await daemons.docker("inspect", "-f", "{{.State.ExitCode}} {{.State.OOMKilled}}", "gate"), "0 false");
  });
});
