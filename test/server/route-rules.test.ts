import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { noAudit } from "../../src/access/audit/audit.ts";
import { Authentication } from "../../src/access/authentication.ts";
import { Authorizer } from "../../src/access/authorizer.ts";
import { Grants } from "../../src/access/grants.ts";
import { Shares } from "../../src/access/shares.ts";
import { Tickets } from "../../src/access/tickets.ts";
import { loadConfig } from "../../src/config.ts";
import { systemClock } from "../../src/exec/clock.ts";
import { Sessions } from "../../src/exec/sessions.ts";
import { createMetrics } from "../../src/metrics.ts";
import { Probes } from "../../src/probes/probes.ts";
import { Recordings } from "../../src/recording/recordings.ts";
import { buildApp } from "../../src/server/app.ts";
import { createReadFront } from "../../src/server/front.ts";
import { createOriginRules } from "../../src/server/origin.ts";

test("a route that does not say who may come to it stops the start", async (t) => {
  const publicDir = await mkdtemp(join(tmpdir(), "execgate-public-"));
  t.after(() => rm(publicDir, { recursive: true }));
  const { limits } = loadConfig({ argv: [], env: {} });
  const runtimes = new Map();
  const log = pino({ level: "silent" });
  const grants = new Grants();
  const sessions = new Sessions({ runtimes, clock: systemClock, observer: {}, limits });
  const metrics = createMetrics(runtimes, "0");
  const app = await buildApp({
    sessions,
    runtimes,
    authentication: new Authentication({ tokens: [], jwt: [] }, "secret", systemClock, log),
    tickets: new Tickets(systemClock, limits),
    shares: new Shares(systemClock, limits),
    readFront: createReadFront(undefined),
    authorizer: new Authorizer({ clock: systemClock, grants, policy: undefined, onDenied: () => assert.fail("there is no policy") }),
    grants,
    audit: noAudit,
    recordings: new Recordings({ dir: publicDir, mode: "off", bytesMax: 0, keepDays: 0 }, { clock: systemClock, failed: () => undefined }),
    probes: new Probes([], { runtimes, sessions, audit: noAudit, clock: systemClock, observer: metrics.probes }),
    clock: systemClock,
    limits,
    origins: createOriginRules([], [], []),
    metrics,
    log,
    version: "0",
    frameAncestors: [],
    publicDir,
  });
  assert.throws(() => app.get("/open", () => "to everybody"), /GET \/open has no access rule/);
  app.get("/closed", { config: { access: "authenticated" } }, () => "to some");
  await app.ready();
  assert.equal((await app.inject({ url: "/closed", headers: { host: "localhost" } })).statusCode, 401);
  const withToken = { host: "localhost", authorization: "Bearer secret" };
  assert.equal((await app.inject({ url: "/closed", headers: withToken })).statusCode, 200);
  assert.equal((await app.inject({ url: "/readyz", headers: withToken })).statusCode, 503, "no runtime answers");
  await app.close();
});
