import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { ConfigError } from "../src/config/config-error.ts";
import { loadConfig } from "../src/config.ts";

const dir = mkdtempSync(join(tmpdir(), "execgate-config-"));
after(() => rmSync(dir, { recursive: true }));

function load(yaml: string | undefined, argv: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const file = join(dir, "execgate.yaml");
  if (yaml !== undefined) writeFileSync(file, yaml);
  return loadConfig({ argv: [...(yaml === undefined ? [] : ["--config", file]), ...argv], env });
}

const hash = (character: string): string => character.repeat(64);
const issuer = "issuer: https://id, audience: a, algorithms: [ES256]";

const dynamicUsers = { first: 1_900_000_000, last: 1_900_009_999 };
const host = { name: "host", kind: "host", options: { dynamicUsers, usersAllowed: [], noNewPrivileges: true } };

const texts = (config: ReturnType<typeof loadConfig>) => config.listen.map(({ text }) => text);

test("with nothing said, both addresses of loopback and every default", () => {
  const config = load(undefined, [], { HOME: "/home/somebody" });
  assert.deepEqual(texts(config), ["127.0.0.1:8080", "https://127.0.0.1:8443"]);
  assert.equal(config.stateDir, "/home/somebody/.local/state/execgate");
  assert.equal(config.token, undefined);
  assert.deepEqual(config.runtimes, [host]);
  const { execTimeoutMsDefault, outputBytesDefault, bodyBytesMax, drainMs, shutdownMs } = config.limits;
  assert.deepEqual(
    [execTimeoutMsDefault, outputBytesDefault, bodyBytesMax, drainMs, shutdownMs],
    [30_000, 1_048_576, 1_048_576, 250, 30_000],
  );
  assert.ok(Object.isFrozen(config));
});

test("an empty file is no settings", () => {
  assert.deepEqual(texts(load("# nothing yet\n")), ["127.0.0.1:8080", "https://127.0.0.1:8443"]);
});

test("a flag beats the environment, the environment the file", () => {
  const yaml = 'listen: ["127.0.0.1:1"]';
  assert.deepEqual(texts(load(yaml)), ["127.0.0.1:1"]);
  assert.deepEqual(texts(load(yaml, [], { EXECGATE_LISTEN: "127.0.0.1:2,[::1]:3" })), ["127.0.0.1:2", "[::1]:3"]);
  assert.deepEqual(texts(load(yaml, ["--listen", "127.0.0.1:4"], { EXECGATE_LISTEN: "127.0.0.1:2" })), ["127.0.0.1:4"]);
  const withUser = load("runtimes: { host: { user: nobody } }", ["--host-user", "daemon"]);
  assert.deepEqual(withUser.runtimes[0], { ...host, options: { ...host.options, user: "daemon" } });
  const file = join(dir, "other.yaml");
  writeFileSync(file, "limits: { drainMs: 1 }");
  assert.equal(loadConfig({ argv: [], env: { EXECGATE_CONFIG: file } }).limits.drainMs, 1);
  assert.equal(load("limits: { drainMs: 2 }", [], { EXECGATE_CONFIG: file }).limits.drainMs, 2);
});

test("runtimes are those of the file and of flags, each by its name and kind", () => {
  const yaml = 'runtimes: { docker: , edge1: { kind: docker, host: "tcp://edge1:2376" } }';
  const named = (config: ReturnType<typeof loadConfig>) => config.runtimes.map(({ name, kind, options }) => [name, kind, options]);
  const edge1 = ["edge1", "docker", { host: "tcp://edge1:2376" }];
  assert.deepEqual(named(load(yaml)).slice(1), [["docker", "docker", {}], edge1]);
  assert.deepEqual(named(load(undefined, ["--runtime", "docker", "--runtime", "host"])).slice(1), [["docker", "docker", {}]]);
  const given = "runtimes: { docker: { socket: /run/d.sock } }";
  assert.deepEqual(named(load(given, ["--runtime", "docker"])).slice(1), [["docker", "docker", { socket: "/run/d.sock" }]]);
  assert.throws(() => load(undefined, ["--runtime", "dokcer"]), { message: /^--runtime: expected a kind of runtime \(host, docker/ });
});

test("the state directory follows the environment, where empty is unset", () => {
  const at = (env: Readonly<Record<string, string>>) => load(undefined, [], env).stateDir;
  assert.equal(at({ EXECGATE_STATE_DIR: "/a", XDG_STATE_HOME: "/b", HOME: "/c" }), "/a");
  assert.equal(at({ EXECGATE_STATE_DIR: "", XDG_STATE_HOME: "/b", HOME: "/c" }), "/b/execgate");
  assert.equal(at({ XDG_STATE_HOME: "", HOME: "/c" }), "/c/.local/state/execgate");
});

test("a token comes from the environment or a file", () => {
  const file = join(dir, "token");
  writeFileSync(file, "0123456789abcdef\n", { mode: 0o600 });
  assert.equal(load(undefined, [], { EXECGATE_TOKEN_FILE: file }).token, "0123456789abcdef");
  assert.equal(load(undefined, [], { EXECGATE_TOKEN: "fedcba9876543210", EXECGATE_TOKEN_FILE: file }).token, "fedcba9876543210");
});

test("a token file that others can read is refused, as ssh refuses a key", () => {
  const file = join(dir, "exposed");
  writeFileSync(file, "0123456789abcdef\n", { mode: 0o644 });
  assert.throws(() => load(undefined, [], { EXECGATE_TOKEN_FILE: file }), {
    name: "ConfigError",
    message: /^EXECGATE_TOKEN_FILE: .*exposed has mode 0644.*chmod 600/,
  });
});

test("what is open to others needs TLS and an auth section, and gets them", () => {
  for (const yaml of [
    '{ listen: ["https://0.0.0.0:1"], auth: {} }',
    '{ listen: ["0.0.0.0:1"], auth: {}, behindProxy: true }',
    '{ listen: ["[::]:1"], auth: {}, behindProxy: { trusted: ["10.0.0.0/8", "fd00::/8", "192.0.2.1"] } }',
    '{ listen: ["unix:/run/execgate.sock"] }',
  ]) {
    assert.equal(load(yaml).listen.length, 1, yaml);
  }
});

test("an auth section has its defaults, and its dates begin at midnight UTC", () => {
  assert.deepEqual(load("auth: {}").auth, { tokens: [], jwt: [] });
  const config = load(`auth:
  tokens: [{ id: ci, sha256: "${hash("A")}", expires: 2027-06-01 }]
  jwt: [{ ${issuer}, jwksUrl: "http://127.0.0.1:9/keys", header: Cf-Access-Jwt-Assertion }]`);
  assert.deepEqual(config.auth?.tokens, [{ id: "ci", sha256: hash("A"), groups: [], expiresAt: Date.UTC(2027, 5, 1) }]);
  const [jwt] = config.auth?.jwt ?? [];
  assert.deepEqual([jwt?.subjectClaim, jwt?.clockToleranceMs, jwt?.header], ["sub", 30_000, "cf-access-jwt-assertion"]);
});

/** A file, and the message about it. */
const refused: readonly (readonly [string, string | RegExp])[] = [
  ["listenn: []", "listenn: unknown key"],
  ["runtimes: { host: { usr: a } }", "runtimes.host.usr: unknown key"],
  ["limits: { drainMS: 1 }", "limits.drainMS: unknown key"],
  ["limits: { drainMs: soon }", 'limits.drainMs: expected a whole number, got "soon"'],
  ['limits: { drainMs: "1" }', 'limits.drainMs: expected a whole number, got "1"'],
  ["limits: { drainMs: -1 }", "limits.drainMs: expected a whole number, got -1"],
  ["limits: { drainMs: 1.5 }", "limits.drainMs: expected a whole number, got 1.5"],
  ["limits: { drainMs: }", "limits.drainMs: expected a whole number, got null"],
  ["limits: { slowClientMs: 2147483648 }", "limits.slowClientMs: expected a whole number from 1 up to 2147483647, got 2147483648"],
  ["limits: { sessionsMax: 0 }", "limits.sessionsMax: expected a whole number from 1, got 0"],
  ["limits: 5", "limits: expected a section, got 5"],
  ["[1]", "the file: expected a section, got [1]"],
  ["5", "the file: expected a section, got 5"],
  ["runtimes: { host: { noNewPrivileges: yes please } }", 'runtimes.host.noNewPrivileges: expected true or false, got "yes please"'],
  ["runtimes: { host: { user: 42 } }", "runtimes.host.user: expected a user's name, got 42"],
  ["runtimes: { host: { usersAllowed: [dev, 42] } }", "runtimes.host.usersAllowed.1: expected a user's name, got 42"],
  [
    "runtimes: { host: { dynamicUsers: { first: 5, last: 4 } } }",
    "runtimes.host.dynamicUsers.last: expected a user's number from first (5), got 4",
  ],
  ["runtimes: { host: { dynamicUsers: { first: 0 } } }", "runtimes.host.dynamicUsers.first: expected a user's number from 1, got 0"],
  ["runtimes: 5", "runtimes: expected a section, got 5"],
  ["runtimes: { host: 5 }", "runtimes.host: expected a section, got 5"],
  ["runtimes: { dokcer: {} }", /^runtimes\.dokcer: expected a kind of runtime \(host.*\), got "dokcer"$/],
  ["runtimes: { edge1: { kind: dokcer } }", /^runtimes\.edge1\.kind: expected a kind of runtime \(host.*\), got "dokcer"$/],
  ["runtimes: { docker: { socket: 42 } }", "runtimes.docker.socket: expected a path, got 42"],
  ["runtimes: { edge1: { kind: docker, hots: a } }", "runtimes.edge1.hots: unknown key"],
  ["runtimes: { edge1: { kind: docker, host: edge1 } }", 'runtimes.edge1.host: expected tcp://host:port, got "edge1"'],
  ['runtimes: { docker: { host: "tcp://a:b" } }', 'runtimes.docker.host: expected tcp://host:port, got "tcp://a:b"'],
  ['runtimes: { docker: { host: "tcp://a", socket: b } }', "runtimes.docker.host: expected either socket or host"],
  ["runtimes: { docker: { tls: { certFile: a, keyFile: b, caFile: c } } }", /^runtimes\.docker\.tls: there is no TLS on a socket/],
  ['runtimes: { docker: { host: "tcp://a", tls: { certFile: a } } }', "runtimes.docker.tls.keyFile: missing"],
  ["runtimes: { edge1: { kind: 5 } }", /^runtimes\.edge1\.kind: expected a kind of runtime .* got 5$/],
  ["runtimes: { edge1: { kind: __proto__ } }", /^runtimes\.edge1\.kind: expected a kind/],
  ["runtimes: { edge1: { kind: host } }", "runtimes.edge1.kind: the kind host and the name host belong together"],
  ['runtimes: { "a:b": { kind: host } }', /^runtimes\.a:b: expected a name of letters/],
  ['runtimes: { "a/b": { kind: host } }', /^runtimes\.a\/b: expected a name of letters/],
  ["limits: { cpusPerSessionMax: -1 }", "limits.cpusPerSessionMax: expected a number of processors, got -1"],
  ["tls: { certFile: 42, keyFile: a }", "tls.certFile: expected a path, got 42"],
  ["tls: { certFile: a }", "tls.keyFile: missing"],
  ["audit: { mode: strict }", "audit.file: missing"],
  ["audit: { file: a, mode: loose }", 'audit.mode: expected strict or bestEffort, got "loose"'],
  ["audit: { file: a, redact: ['('] }", /^audit\.redact\.0: Invalid regular expression/],
  ["listen: 127.0.0.1:8080", /^listen: expected a list/],
  ["listen: []", /^listen: expected /],
  ["listen: [nowhere]", /^listen: expected host:port.* got "nowhere"$/],
  ['listen: ["127.0.0.1:70000"]', /^listen: expected host:port/],
  ['listen: ["0.0.0.0:8080"]', /^listen: 0\.0\.0\.0:8080 is not a loopback address/],
  ['listen: ["https://0.0.0.0:8080"]', /^listen: .* is not a loopback address/],
  ['listen: ["[::]:8080"]', /^listen: .* is not a loopback address/],
  ['listen: ["localhost.example:8080"]', /^listen: .* is not a loopback address/],
  ['{ listen: ["0.0.0.0:1"], auth: {} }', /^listen: 0\.0\.0\.0:1 is not a loopback address, which needs TLS \(.*\);/],
  ['{ listen: ["https://0.0.0.0:1"] }', /^listen: .* needs an auth section;/],
  ['{ listen: ["0.0.0.0:1"], behindProxy: true }', /^listen: .* needs an auth section;/],
  ["behindProxy: 5", "behindProxy: expected true, false or { trusted: [networks] }, got 5"],
  ["behindProxy: { trusted: [] }", /^behindProxy.*expected/],
  ["behindProxy: { trusted: [10.0.0.0/33] }", 'behindProxy.trusted.0: expected a network such as 10.0.0.0/8, got "10.0.0.0/33"'],
  ["behindProxy: { trusted: [proxy] }", 'behindProxy.trusted.0: expected a network such as 10.0.0.0/8, got "proxy"'],
  ["behindProxy: { trusted: [10.0.0.0/8], more: 1 }", /^behindProxy/],
  ['unixMode: "660"', 'unixMode: expected the mode of a file, such as "0600", got "660"'],
  ["auth: { tokens: [{ id: ci }] }", "auth.tokens.0.sha256: missing"],
  ['auth: { tokens: [{ id: ci, sha256: "12" }] }', /^auth\.tokens\.0\.sha256: expected the 64 hexadecimal digits/],
  [`auth: { tokens: [{ id: a b, sha256: "${hash("1")}" }] }`, /^auth\.tokens\.0\.id: expected a name/],
  [`auth: { tokens: [{ id: owner, sha256: "${hash("1")}" }] }`, "auth.tokens.0.id: owner is the name of the gateway's own token"],
  [
    `auth: { tokens: [{ id: a, sha256: "${hash("1")}" }, { id: a, sha256: "${hash("2")}" }] }`,
    "auth.tokens.1.id: another entry has the same",
  ],
  [
    `auth: { tokens: [{ id: a, sha256: "${hash("a")}" }, { id: b, sha256: "${hash("A")}" }] }`,
    "auth.tokens.1.sha256: another entry has the same",
  ],
  [`auth: { tokens: [{ id: a, sha256: "${hash("1")}", expires: soon }] }`, /^auth\.tokens\.0\.expires: expected a day/],
  ["auth: { jwt: [{ issuer: a, audience: b, algorithms: [RS256] }] }", "auth.jwt.0: expected either jwksUrl or jwksFile"],
  [`auth: { jwt: [{ ${issuer}, jwksUrl: "https://id/k", jwksFile: k }] }`, "auth.jwt.0: expected either jwksUrl or jwksFile"],
  [
    `auth: { jwt: [{ ${issuer}, jwksUrl: "http://id.example/k" }] }`,
    /^auth\.jwt\.0\.jwksUrl: expected an https URL, or an http one on loopback/,
  ],
  [`auth: { jwt: [{ ${issuer}, jwksUrl: "file:///etc/passwd" }] }`, /^auth\.jwt\.0\.jwksUrl: expected an https URL/],
  [`auth: { jwt: [{ ${issuer}, jwksFile: k }, { ${issuer}, jwksFile: k }] }`, "auth.jwt.1.issuer: another entry has the same"],
  ["auth: { jwt: [{ issuer: a, audience: b, jwksFile: k }] }", "auth.jwt.0.algorithms: missing"],
  ["auth: { jwt: [{ issuer: a, audience: b, jwksFile: k, algorithms: [] }] }", /^auth\.jwt\.0\.algorithms: expected/],
  ["auth: { jwt: [{ issuer: a, audience: b, jwksFile: k, algorithms: [HS256] }] }", /^auth\.jwt\.0\.algorithms\.0: expected one of RS256/],
  ["auth: { jwt: [{ issuer: a, audience: b, jwksFile: k, algorithms: [none] }] }", /^auth\.jwt\.0\.algorithms\.0: expected one of RS256/],
  ["auth: { jwt: [{ issuer: a, audience: [], jwksFile: k, algorithms: [ES256] }] }", /^auth\.jwt\.0\.audience: expected an audience/],
  ['publicUrls: ["exec.example.com"]', /^publicUrls\.0: expected an http or https URL, got/],
  ['publicUrls: ["https://exec.example.com/v1/shell"]', "publicUrls.0: the path /v1 is one of the gateway's own"],
  ['publicUrls: ["ftp://exec.example.com"]', /^publicUrls\.0: expected an http or https URL, got/],
  ['allowedOrigins: ["https://app.example.com/"]', /^allowedOrigins\.0: expected an origin/],
  ['allowedOrigins: ["*"]', /^allowedOrigins\.0: expected an origin/],
  ['allowedOrigins: ["null"]', /^allowedOrigins\.0: expected an origin/],
  ['tracing: { endpoint: "collector:4318" }', /^tracing\.endpoint: expected an http or https URL/],
  ["tracing: {}", "tracing.endpoint: missing"],
  ["tracing: { endpoint: http://a, ratio: 2 }", "tracing.ratio: expected a number from 0 to 1, got 2"],
  ['metrics: { listen: "9464" }', /^metrics\.listen: expected host:port/],
  ['metrics: { listen: "https://127.0.0.1:9464" }', /^metrics\.listen: expected .*without TLS/],
  ['publicUrls: ["https://exec.example.com/?a=b"]', /^publicUrls\.0: expected an http or https URL without/],
  ['publicUrls: ["https://exec.example.com/#a"]', /^publicUrls\.0: expected an http or https URL without/],
  ['publicUrls: ["https://me:secret@exec.example.com"]', /^publicUrls\.0: expected an http or https URL without/],
  ["constructor: {}", "constructor: unknown key"],
  ["limits: { __proto__: { drainMs: 1 } }", "limits.__proto__: unknown key"],
  ["runtimes: { prototype: { kind: docker } }", "runtimes.prototype: unknown key"],
  ["listen: &a [*a]", /execgate\.yaml: listen\.0: an alias stands inside of what it repeats$/],
  ["limits: { drainMs: 1, drainMs: 2 }", /execgate\.yaml: .*unique/i],
  ["a: [", /execgate\.yaml: /],
];

for (const [yaml, message] of refused) {
  test(`refused: ${yaml}`, () => {
    assert.throws(() => load(yaml), { name: "ConfigError", message });
  });
}

test("a file that is not UTF-8 is refused, also in its comments", () => {
  const file = join(dir, "latin1.yaml");
  writeFileSync(file, Buffer.from("# caf\xe9\n", "latin1"));
  assert.throws(() => load(undefined, ["--config", file]), { name: "ConfigError", message: /latin1\.yaml: .*utf-8/ });
});

test("what a flag beats is read all the same", () => {
  assert.throws(() => load("listen: [nowhere]", ["--listen", "127.0.0.1:0"]), { name: "ConfigError", message: /got "nowhere"$/ });
});

test("a maximum lowers the default that is beyond it", () => {
  const { limits } = load("limits: { execTimeoutMsMax: 5000, outputBytesMax: 100, keepMsDefault: 10, keepMsMax: 5 }");
  assert.deepEqual([limits.execTimeoutMsDefault, limits.outputBytesDefault, limits.keepMsDefault], [5000, 100, 5]);
  assert.equal(load("limits: { execTimeoutMsDefault: 0, execTimeoutMsMax: 5000 }").limits.execTimeoutMsDefault, 0);
});

test("bad flags and variables are refused by their names", () => {
  const refuses = (argv: readonly string[], env: Readonly<Record<string, string>>, message: RegExp) =>
    assert.throws(
      () => load(undefined, argv, env),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  refuses(["--no-such-flag"], {}, /--no-such-flag/);
  refuses(["stray"], {}, /stray/);
  refuses(["--listen", "127.0.0.1"], {}, /^listen: expected host:port/);
  refuses(["--config", join(dir, "missing.yaml")], {}, /missing\.yaml: ENOENT/);
  refuses([], { EXECGATE_LISTEN: "0.0.0.0:1" }, /not a loopback address/);
  refuses([], { EXECGATE_TOKEN: "short" }, /^EXECGATE_TOKEN: expected 16 to 512/);
  refuses([], { EXECGATE_TOKEN_FILE: join(dir, "missing") }, /^EXECGATE_TOKEN_FILE: ENOENT/);
});

test("a token that is refused is not shown", () => {
  assert.throws(
    () => load(undefined, [], { EXECGATE_TOKEN: "se cret" }),
    (error) => error instanceof Error && !error.message.includes("se cret"),
  );
});
