import { test } from "node:test";
import { createDockerRuntime } from "../../../src/runtimes/docker/index.ts";
import { runtimeConformance } from "../../conformance/runtime.ts";
import { Podman, withoutPodman } from "../../fixtures/podman.ts";

if (withoutPodman === false) {
  runtimeConformance(
    "docker on podman's socket",
    async () => {
      const podman = await Podman.start();
      await podman.container("web");
      await podman.create("stopped");
      return {
        runtime: createDockerRuntime("podman", { socket: podman.socket }),
        targetId: "podman:web",
        missingTargetId: "podman:nowhere",
        stoppedTargetId: "podman:stopped",
        shell: ["/bin/sh", "-c"],
        dispose: () => podman[Symbol.asyncDispose](),
      };
    },
    {
      quick: { bursts: 4, failedStarts: 8 },
      skip: [
        {
          test: "output to which a background child may add is not said to be all",
          reason: "podman ends the streams with the command, whoever holds them",
        },
      ],
    },
  );
} else {
  test("podman's socket is one of docker", { skip: withoutPodman }, () => {});
}
