import { test } from "node:test";
import { runtimeConformance } from "../../conformance/runtime.ts";
import { Containerd, image, withoutContainerd } from "../../fixtures/containerd.ts";

if (withoutContainerd === false) {
  runtimeConformance(
    "containerd",
    async () => {
      const daemon = await Containerd.start();
      await daemon.runContainer("web");
      await daemon.ctr("containers", "create", image, "stopped");
      return {
        runtime: daemon.runtime(),
        targetId: daemon.target("web"),
        missingTargetId: daemon.target("nowhere"),
        stoppedTargetId: daemon.target("stopped"),
        shell: ["/bin/sh", "-c"],
        dispose: () => daemon[Symbol.asyncDispose](),
      };
    },
    { quick: { bursts: 20, failedStarts: 20 } },
  );
} else {
  test("containerd is a runtime", { skip: withoutContainerd }, () => {});
}
