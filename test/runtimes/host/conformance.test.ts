import { createHostRuntime } from "../../../src/runtimes/host/index.ts";
import { runtimeConformance } from "../../conformance/runtime.ts";

runtimeConformance("the host", async () => ({
  runtime: createHostRuntime(),
  targetId: "host",
  missingTargetId: "elsewhere",
  stoppedTargetId: undefined,
  shell: ["/bin/sh", "-c"],
}));
