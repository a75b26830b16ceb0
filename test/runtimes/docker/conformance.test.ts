import { after, before, describe } from "node:test";
import { ContainerCgroups } from "../../../src/runtimes/container/cgroup.ts";
import { createDockerRuntime } from "../../../src/runtimes/docker/index.ts";
import { type RuntimeConformanceOptions, runtimeConformance } from "../../conformance/runtime.ts";
import { ContainerDaemons, hasContainers } from "../../fixtures/container-daemons.ts";
import { skipWithout } from "../../fixtures/require.ts";

describe("a real dockerd", { skip: skipWithout("docker", hasContainers) }, () => {
  let daemons: ContainerDaemons;
  before(async () => {
    daemons = await ContainerDaemons.start();
    await daemons.container("web");
    await daemons.docker("create", "--name", "stopped", "busybox:local", "true");
  });
  after(() => daemons[Symbol.asyncDispose]());

  const conform = (name: string, cgroups: () => ContainerCgroups, options: RuntimeConformanceOptions): void =>
    runtimeConformance(
      name,
      async () => ({
        runtime: createDockerRuntime("docker", { socket: daemons.dockerSocket }, cgroups()),
        targetId: "docker:web",
        missingTargetId: "docker:nowhere",
        stoppedTargetId: "docker:stopped",
        shell: ["/bin/sh", "-c"],
      }),
      options,
    );

  conform("docker on the gateway's machine", () => new ContainerCgroups(), { quick: { bursts: 20, failedStarts: 20 } });
  conform("docker elsewhere, where the interface is all there is", () => new ContainerCgroups(null), {
    quick: { bursts: 4, failedStarts: 8 },
    skip: [
      { test: "a signal that ended the command is named", reason: "the Engine API has a number alone: 143 may be an exit code or SIGTERM" },
    ],
  });
});
