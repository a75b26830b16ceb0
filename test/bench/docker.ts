import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { ContainerDaemons, hasContainers } from "../fixtures/container-daemons.ts";
import { timed } from "./busy.ts";
import { streamFigures, toCat, toClient } from "./container-stream.ts";
import { type Figure, type Measured, median, type Part, quantile } from "./figure.ts";
import { startGatewayProcess } from "./gateway-process.ts";
import { openHttpClient } from "./http-client.ts";

const runs = 300;
const warmUps = 20;

/** Commands in containers. */
export const docker: Part = {
  name: "docker",
  about:
    "`/bin/true` in a running container of a real dockerd, one after the other: through the gateway, which also ends what is left, and by the Engine API alone (create, start, inspect), which does not. Then 256 MiB of output of the same container to a WebSocket client, by way of docker and of the containerd below it, and through `docker exec … | cat` and `ctr tasks exec … | cat`.",
  missing: () => (hasContainers ? undefined : "containers need root, docker, containerd, runc and busybox-static"),
  measure,
};

async function measure(): Promise<Measured> {
  await using daemons = await ContainerDaemons.start();
  const id = await daemons.container("bench");
  await using gateway = await startGatewayProcess({ settings: { runtimes: runtimesOf(daemons) } });
  using client = await openHttpClient(gateway.port);
  const body = JSON.stringify({ target: "docker:bench", command: ["/bin/true"] });
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let i = 0; i < warmUps + runs; i++) {
    const [our, their] = [await timed(() => client.exec(body)), await timed(() => execThere(daemons.dockerSocket, id))];
    if (i < warmUps) continue;
    ours.push(our);
    theirs.push(their);
  }
  const aim = { is: "atMost", limit: 1.1 } as const;
  const bars = [
    { label: "execgate", value: median(ours) },
    { label: "Engine API", value: median(theirs) },
  ];
  return {
    figures: [
      { name: "exec in a container p50", value: median(ours), unit: "ms" },
      { name: "Engine API p50", value: median(theirs), unit: "ms" },
      { name: "exec in a container / Engine API, p50", value: median(ours) / median(theirs), unit: "×", aim },
      { name: "exec in a container / Engine API, p99", value: quantile(ours, 0.99) / quantile(theirs, 0.99), unit: "×", aim },
      ...(await outputFigures(gateway.port, daemons, id)),
    ],
    chart: { title: "One exec of /bin/true in a container, p50", unit: "ms", bars },
  };
}

/** A container of docker is one of containerd, too, in the namespace of docker. */
const namespace = "moby";

function runtimesOf({ directory, dockerSocket, containerdSocket }: ContainerDaemons): object {
  const containerd = { socket: containerdSocket, namespaces: [namespace], fifoDir: join(directory, "fifo") };
  return { docker: { socket: dockerSocket }, containerd };
}

async function outputFigures(port: number, { dockerSocket, containerdSocket }: ContainerDaemons, id: string): Promise<Figure[]> {
  const byDocker = toClient("docker to a client", port, "docker:bench");
  const byContainerd = toClient("containerd to a client", port, `containerd:${namespace}/${id}`);
  const dockerExec = toCat("docker exec", ["docker", "-H", `unix://${dockerSocket}`, "exec", "bench"]);
  // The shell that runs it gives each its own id.
  const ctr = toCat("ctr tasks exec", ["ctr", "-a", containerdSocket, "-n", namespace, "tasks", "exec", "--exec-id", "bench-$$", id]);
  const aim = { is: "atLeast", limit: 0.8 } as const;
  return await streamFigures(
    [byDocker, byContainerd, dockerExec, ctr],
    [
      [byDocker, dockerExec, aim],
      [byContainerd, dockerExec, aim],
      [byContainerd, ctr],
    ],
  );
}

/** What every client of the Engine API does: makes an exec, starts it and reads to the end, and asks how it ended. */
async function execThere(socketPath: string, container: string): Promise<void> {
  const made = await ask(socketPath, "POST", `/containers/${container}/exec`, {
    AttachStdout: true,
    AttachStderr: true,
    Cmd: ["/bin/true"],
  });
  const { Id } = JSON.parse(made) as { Id: string };
  await ask(socketPath, "POST", `/exec/${Id}/start`, { Detach: false, Tty: false });
  const { ExitCode } = JSON.parse(await ask(socketPath, "GET", `/exec/${Id}/json`)) as { ExitCode: number };
  if (ExitCode !== 0) throw new Error(`it ended with ${ExitCode}`);
}

async function ask(socketPath: string, method: string, path: string, body?: object): Promise<string> {
  const asked = request({ socketPath, method, path, headers: { "content-type": "application/json" } });
  asked.end(body && JSON.stringify(body));
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  let text = "";
  for await (const piece of answer.setEncoding("latin1")) text += piece;
  return text;
}
