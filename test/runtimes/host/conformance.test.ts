import { createHostRuntime } from "../../../src/runtimes/host/index.ts";
import { runtimeConformance } from "../../conformance/runtime.ts";
import { isRoot } from "./running.ts";

runtimeConformance("the host", async () => ({
  runtime: createHostRuntime(),
  targetId: "host",
  missingTargetId: "elsewhere",
  stoppedTargetId: undefined,
  shell: ["/bin/sh", "-c"],
}));

// Who may become anybody can leave a control group, and gets a supervisor instead.
if (isRoot) {
  runtimeConformance(
    "the host, for commands that run as root",
    async () => ({
      runtime: createHostRuntime({ user: "root" }),
      targetId: "host",
      missingTargetId: "elsewhere",
      stoppedTargetId: undefined,
      shell: ["/bin/sh", "-c"],
    }),
    { quick: { bursts: 50, failedStarts: 100 } },
  );
}
