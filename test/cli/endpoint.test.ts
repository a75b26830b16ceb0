import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { ClientError } from "../../src/cli/client-error.ts";
import { findEndpoint, urlOf } from "../../src/cli/endpoint.ts";

const nowhere = { EXECGATE_STATE_DIR: "/nonexistent" };

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "execgate-cli-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

function write(file: string, text: string): string {
  writeFileSync(file, text);
  return file;
}

describe("the server", () => {
  test("is the local one unless the environment, and above it the flag, names another", () => {
    assert.equal(findEndpoint({}, nowhere).url.href, "http://127.0.0.1:8080/");
    assert.equal(findEndpoint({}, { ...nowhere, EXECGATE_SERVER: "https://a" }).url.href, "https://a/");
    assert.equal(findEndpoint({ server: "https://b" }, { ...nowhere, EXECGATE_SERVER: "https://a" }).url.href, "https://b/");
  });

  test("keeps its base path and loses what an address bar adds", () => {
    assert.equal(urlOf(findEndpoint({ server: "https://a/gate/?x=1#token=y" }, nowhere), "/v1/exec").href, "https://a/gate/v1/exec");
  });

  test("must be an http or https URL", () => {
    for (const server of ["localhost:8080", "ws://a", "x", ""]) assert.throws(() => findEndpoint({ server }, nowhere), ClientError, server);
  });
});

describe("the token", () => {
  test("comes from the flag, else the environment, else its file, else the state directory", (t) => {
    const path = folder(t);
    write(join(path, "token"), "state\n");
    const file = write(join(path, "file"), "file\n");
    const env = { EXECGATE_STATE_DIR: path };
    assert.equal(findEndpoint({}, env).token, "state");
    assert.equal(findEndpoint({}, { ...env, EXECGATE_TOKEN_FILE: file }).token, "file");
    assert.equal(findEndpoint({}, { ...env, EXECGATE_TOKEN_FILE: file, EXECGATE_TOKEN: "env" }).token, "env");
    assert.equal(findEndpoint({ "token-file": file }, { ...env, EXECGATE_TOKEN: "env" }).token, "file");
  });

  test("is looked for where the gateway keeps its state", (t) => {
    const path = folder(t);
    mkdirSync(join(path, ".local/state/execgate"), { recursive: true });
    write(join(path, ".local/state/execgate/token"), "home");
    mkdirSync(join(path, "execgate"));
    write(join(path, "execgate/token"), "xdg");
    assert.equal(findEndpoint({}, { HOME: path }).token, "home");
    assert.equal(findEndpoint({}, { HOME: path, XDG_STATE_HOME: path }).token, "xdg");
  });

  test("may be missing, but not where a file was named, and it must fit in a header", (t) => {
    assert.equal(findEndpoint({}, nowhere).token, undefined);
    assert.throws(() => findEndpoint({ "token-file": "/nonexistent" }, nowhere), /--token-file: ENOENT/);
    const secret = write(join(folder(t), "token"), "sec\nret");
    assert.throws(
      () => findEndpoint({ "token-file": secret }, nowhere),
      (error) => error instanceof ClientError && !error.message.includes("sec"),
    );
    assert.throws(() => findEndpoint({}, { ...nowhere, EXECGATE_TOKEN: "" }), ClientError);
  });
});

test("a file of certificates that is not there is an error", () => {
  assert.throws(() => findEndpoint({ "ca-file": "/nonexistent" }, nowhere), /--ca-file: ENOENT/);
});
