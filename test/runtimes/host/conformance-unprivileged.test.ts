import assert from "node:assert/strict";
import { constants } from "node:fs";
import { describe, test } from "node:test";
import { createHostRuntime } from "../../../src/runtimes/host/index.ts";
import { supervisorPath } from "../../../src/runtimes/host/native.ts";
import { runtimeConformance } from "../../conformance/runtime.ts";
import { code } from "../../conformance/runtime-start.ts";
import { isAllowed } from "../../fixtures/programs.ts";

/** This file has its process to itself, which may give up what it has. */
if (process.getuid?.() === 0) {
  process.setgroups?.([]);
  process.setgid?.(65534);
  process.setuid?.(65534);
}

if (isAllowed(supervisorPath, constants.X_OK)) {
  runtimeConformance(
    "the host, where the gateway has no privileges",
    async () => ({
      runtime: createHostRuntime(),
      targetId: "host",
      missingTargetId: "elsewhere",
      stoppedTargetId: undefined,
      shell: ["/bin/sh", "-c"],
    }),
    { quick: { bursts: 50, failedStarts: 100 } },
  );
  describe("the host, where the gateway has no privileges", () => {
    test("refuses limits that it cannot keep", () => {
      for (const limits of [{ memoryBytesMax: 1 }, { cpusMax: 1 }]) {
        assert.throws(() => createHostRuntime({ limits }), code("NOT_SUPPORTED"));
      }
    });
  });
} else {
  describe("the host, where the gateway has no privileges", () => {
    test("conformance", { skip: "this checkout cannot be read by other users" }, () => undefined);
  });
}
