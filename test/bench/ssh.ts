import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../fixtures/free-port.ts";
import { findProgram } from "../fixtures/programs.ts";
import { timed } from "./busy.ts";
import { type Figure, type Measured, median, type Part } from "./figure.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { openHttpClient } from "./http-client.ts";
import { missingProgram, persist } from "./programs.ts";
import { temporaryDirectory, textFile } from "./temporary.ts";
import { throughGateway } from "./throughput.ts";

const rounds = 10;
const runsARound = 10;
const fileBytes = 32 * 1024 * 1024;
const body = JSON.stringify({ command: ["/bin/true"] });

/** The way people run commands elsewhere today. */
export const ssh: Part = {
  name: "ssh",
  about:
    "OpenSSH's sshd on this machine, over one multiplexed connection that is open already. Each of its runs starts an `ssh`, as scripts do; the gateway's client is a connection that is kept. ssh encrypts, the gateway is asked over plain http on loopback.",
  missing: () => missingProgram("sshd", "ssh", "ssh-keygen"),
  measure,
};

async function measure(): Promise<Measured> {
  await using gateway = await startGatewayProcess();
  using client = await openHttpClient(gateway.port);
  using server = await startSshd();
  const file = textFile(fileBytes);
  const [ours, theirs, oursMb, theirsMb]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < runsARound; i++) {
      ours.push(await timed(() => client.exec(body)));
      theirs.push(await timed(() => server.run("/bin/true")));
    }
  }
  for (let round = 0; round < 3; round++) {
    oursMb.push(await throughGateway(gateway.port, "pipe", ["/bin/cat", file]));
    theirsMb.push(fileBytes / 1000 / (await timed(() => server.run(`/bin/cat ${file}`))));
  }
  const figures: Figure[] = [
    { name: "exec p50", value: median(ours), unit: "ms" },
    { name: "ssh p50", value: median(theirs), unit: "ms" },
    { name: "exec p50 / ssh p50", value: median(ours) / median(theirs), unit: "×", aim: { is: "atMost", limit: 1 } },
    { name: "pipe through the gateway", value: median(oursMb), unit: "MB/s" },
    { name: "pipe through ssh", value: median(theirsMb), unit: "MB/s" },
  ];
  const bars = [
    { label: "execgate", value: median(ours) },
    { label: "ssh, multiplexed", value: median(theirs) },
  ];
  return { figures, chart: { title: "One exec of /bin/true, p50", unit: "ms", bars } };
}

interface Sshd extends Disposable {
  /** Runs a command and lets its output go. */
  run(command: string): Promise<unknown>;
}

/** A server of its own, with keys of its own, on a port of loopback, and a connection to it that the others share. */
async function startSshd(): Promise<Sshd> {
  const directory = mkdtempSync(join(temporaryDirectory(), "ssh-"));
  const [key, config, control] = ["key", "config", "control"].map((name) => join(directory, name)) as [string, string, string];
  execFileSync(findProgram("ssh-keygen") ?? "", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  const port = await freePort();
  const settings = [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${key}`,
    `AuthorizedKeysFile ${key}.pub`,
    "StrictModes no",
    "UsePAM no",
    "PermitRootLogin yes",
    `PidFile ${join(directory, "pid")}`,
  ];
  writeFileSync(config, `${settings.join("\n")}\n`);
  mkdirSync("/run/sshd", { recursive: true });
  const server = spawn(findProgram("sshd") ?? "sshd", ["-D", "-f", config], { stdio: "ignore" });
  const options = ["-F", "none", "-S", control, "-p", String(port), "-i", key, "-o", "StrictHostKeyChecking=no"];
  const more = ["-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes"];
  const run = promisify(execFile);
  await persist(() => run("ssh", [...options, ...more, "-M", "-f", "-N", "127.0.0.1"]));
  return {
    run: (command) => run("ssh", [...options, ...more, "127.0.0.1", command], { maxBuffer: 1 << 30, encoding: "buffer" }),
    [Symbol.dispose]() {
      execFileSync("ssh", [...options, "-O", "exit", "127.0.0.1"], { stdio: "ignore" });
      server.kill();
    },
  };
}
