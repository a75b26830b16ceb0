import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createRedactor } from "../../../src/access/audit/redact.ts";
import { bestOf } from "../../fixtures/best-of.ts";

const redact = createRedactor([]);
const canary = "C4n4ry-s3cret";

/** Commands with a secret in a place where people put them. */
const secret: readonly (readonly string[])[] = [
  ["psql", `--password=${canary}`],
  ["psql", "--password", canary],
  ["vault", "-token", canary],
  ["app", "--api-key", canary],
  ["app", `--api-key=${canary} with; a & tail of it ${canary}`],
  ["app", `--db.password=${canary}`],
  ["env", `PGPASSWORD=${canary}`, "psql"],
  ["env", `DB_PASS=${canary}`, "psql"],
  ["env", `AWS_SECRET_ACCESS_KEY=${canary}`, "aws"],
  ["env", `MYSQL_PWD=${canary}`, "mysql"],
  ["sh", "-c", `PASSWORD=${canary} run; TOKEN='${canary} x' run --secret "${canary} y"`],
  ["sh", "-c", `mysql --password ${canary} -e 'select 1'`],
  ["curl", "-H", `Authorization: Bearer ${canary}`],
  ["curl", "-H", `authorization: custom ${canary} ${canary}`],
  ["curl", "-H", `X-Api-Key: ${canary}`],
  ["curl", "-b", `Cookie: sid=${canary}`],
  ["bash", "-c", `curl -H "Authorization: Basic ${canary}" https://x`],
  ["curl", "-d", `{"user":"a","password":"${canary}"}`],
  ["curl", "-d", `{"token": "${canary}"}`],
  ["bash", "-c", `curl -d "{\\"token\\": \\"${canary}\\"}" https://x`],
  ["curl", `https://user:${canary}@host/path`],
  ["curl", `https://host/path?a=b&access_token=${canary}&c=d`],
  ["curl", "-u", `alice:${canary}`],
  ["curl", `-ualice:${canary}`],
  ["curl", `--user=alice:${canary}`],
  ["mysql", `-p${canary}`],
  ["/usr/bin/mysqldump", "-u", "root", `-p${canary}`],
  ["sshpass", "-p", canary, "ssh", "host"],
  ["redis-cli", "-a", canary],
  ["echo", `eyJhbGciOiJIUzI1NiJ9.${canary}.sig`],
  ["git", "clone", `https://x-access-token:ghp_${"a".repeat(36)}${canary}@github.com/a/b`],
  ["echo", `-----BEGIN RSA PRIVATE KEY-----\n${canary.replaceAll("-", "")}\n-----END`],
];

/** Commands without one, which an auditor wants to see as they are. */
const plain: readonly (readonly string[])[] = [
  ["uname", "-a"],
  ["sh", "-c", "echo hi; exit 7"],
  ["docker", "run", "-p8080:80", "-p", "80", "web"],
  ["mysql", "-p", "shop"],
  ["find", ".", "-path", "./a", "-print0"],
  ["cmake", "--compass=1", "bypass=2", "passive=3"],
  ["ssh", "user@host:22", "ls"],
  ["curl", "-u", "alice", "https://host:8080/a@b"],
  ["docker", "login", "--password-stdin"],
  ["kubectl", "get", "secrets", "-n", "prod"],
];

describe("redaction of argv", () => {
  it("takes secrets out of the places where people put them, and keeps the program", () => {
    for (const command of secret) {
      const { argv, isRedacted } = redact(command);
      const text = JSON.stringify(argv);
      assert.ok(!text.includes(canary) && !text.includes(canary.replaceAll("-", "")), text);
      assert.deepEqual([argv[0], isRedacted, argv.length], [command[0], true, command.length], text);
    }
  });

  it("keeps what stands around them", () => {
    assert.deepEqual(redact(["curl", "-u", `alice:${canary}`, "https://x"]).argv, ["curl", "-u", "alice:[redacted]", "https://x"]);
    assert.deepEqual(redact(["curl", `https://host/?a=b&token=${canary}&c=d`]).argv, ["curl", "https://host/?a=b&token=[redacted]&c=d"]);
    assert.deepEqual(redact(["sh", "-c", `run --token ${canary} && rm -rf /`]).argv, ["sh", "-c", "run --token [redacted] && rm -rf /"]);
  });

  it("leaves what is no secret as it is", () => {
    for (const command of plain) assert.deepEqual(redact(command), { argv: command, isRedacted: false });
  });

  it("knows what the configuration adds", () => {
    const { argv } = createRedactor([/badge-\d+/g])(["open", "badge-12", "and badge-345."]);
    assert.deepEqual(argv, ["open", "[redacted]", "and [redacted]."]);
  });

  it("takes no time to speak of for the longest argument, whatever is in it", async () => {
    const pieces = [
      "a",
      "-",
      "--a-",
      "token",
      "token=",
      "token: ",
      'password="',
      "password='\"",
      "://a:",
      "eyJ",
      "-eyJ",
      "-eyJaaaaaaaa.",
      "sk-",
      "Bearer ",
      "=",
      " ",
      "_pwd ",
      "--api-key ",
      '\\"',
    ];
    for (const piece of [...pieces, "-----BEGIN PRIVATE KEY-----", "api_"]) {
      const argument = piece.repeat(131_072 / piece.length);
      const tookMs = await bestOf(250, () => {
        const began = performance.now();
        redact(["echo", argument]);
        redact([argument, argument]);
        return performance.now() - began;
      });
      assert.ok(tookMs < 250, `${JSON.stringify(piece)} took ${tookMs} ms`);
    }
  });
});
