import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ClientError } from "../../src/cli/client-error.ts";
import { parseDuration } from "../../src/cli/duration.ts";
import { execQuery, parseExecOptions } from "../../src/cli/exec-options.ts";

const queryOf = (...args: string[]) => Array.from(execQuery(parseExecOptions(args), undefined), ([key, value]) => `${key}=${value}`);
const refuses = (args: string[], pattern: RegExp): void => {
  assert.throws(
    () => parseExecOptions(args),
    (error) => error instanceof ClientError && pattern.test(error.message) && !error.message.includes("\n"),
  );
};

describe("the arguments of exec", () => {
  test("name the host and no terminal unless they say otherwise", () => {
    assert.deepEqual(queryOf("--", "id"), ["target=host", "command=id", "tty=0", "stdin=0", "flow=ack"]);
  });

  test("take every flag, and leave what is behind -- to the command", () => {
    const args = [
      "-it",
      "--env",
      "A=1",
      "--env",
      "B=x=y",
      "--cwd",
      "/tmp",
      "--user",
      "u",
      "--timeout",
      "5s",
      "--keep",
      "5m",
      "--reason",
      "ticket 42",
      "docker:web",
    ];
    assert.deepEqual(queryOf(...args, "--", "sh", "-c", "--", "-i"), [
      "target=docker:web",
      "command=sh",
      "command=-c",
      "command=--",
      "command=-i",
      "tty=1",
      "stdin=1",
      "flow=ack",
      "env=A=1",
      "env=B=x=y",
      "cwd=/tmp",
      "user=u",
      "timeoutMs=5000",
      "keepMs=300000",
      "reason=ticket 42",
    ]);
  });

  test("ask for a shell by -it alone", () => {
    assert.deepEqual(parseExecOptions(["-it"]).command, []);
    assert.deepEqual(parseExecOptions(["-i", "-t", "docker:web", "--"]).target, "docker:web");
  });

  test("give the server to ask, and not to the command", () => {
    assert.equal(parseExecOptions(["--server", "http://a", "--", "id"]).endpoint.server, "http://a");
  });

  test("tell the size of the terminal only with -t", () => {
    const size = { cols: 100, rows: 30 };
    assert.equal(execQuery(parseExecOptions(["-t", "--", "id"]), size).get("cols"), "100");
    assert.equal(execQuery(parseExecOptions(["--", "id"]), size).get("cols"), null);
  });

  test("are refused in one line that says what is wrong", () => {
    refuses([], /-it/);
    refuses(["--"], /-it/);
    refuses(["web", "ls", "/"], /put -- before the command: execgate exec web -- ls \//);
    refuses(["--nope", "--", "id"], /--nope/);
    refuses(["--env", "A", "--", "id"], /--env: expected NAME=VALUE, got A/);
    refuses(["--env", "=A", "--", "id"], /--env/);
    refuses(["--timeout", "5", "--", "id"], /--timeout: expected a time such as/);
    refuses(["--keep", "x", "--", "id"], /--keep/);
  });
});

test("times are read with their unit", () => {
  assert.deepEqual(
    ["0", "500ms", "5s", "1.5m", "2h", "0.5ms"].map((text) => parseDuration("--timeout", text)),
    [0, 500, 5000, 90_000, 7_200_000, 1],
  );
  for (const text of ["", "5", "s", "-5s", "5 s", "5d", "1e3s", "99999999999999999h"])
    assert.throws(() => parseDuration("-t", text), ClientError);
});
