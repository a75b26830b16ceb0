import assert from "node:assert/strict";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { ApiError } from "../../../src/runtimes/containerd/api-error.ts";

test("whether something was done is not known when containerd does not answer, nor when what runs the container does not", () => {
  const isUnanswered = (code: number, details: string) => new ApiError(code, details).isUnanswered;
  assert.ok(isUnanswered(status.UNAVAILABLE, "No connection established"));
  assert.ok(isUnanswered(status.DEADLINE_EXCEEDED, "Deadline exceeded"));
  assert.ok(isUnanswered(status.UNKNOWN, "context deadline exceeded: unknown"));
  assert.ok(isUnanswered(status.UNKNOWN, "ttrpc: closed: unknown"));
  assert.equal(isUnanswered(status.UNKNOWN, "OCI runtime exec failed: exec failed: no such file or directory: unknown"), false);
  assert.equal(isUnanswered(status.NOT_FOUND, "container not found"), false);
});
