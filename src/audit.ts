import type { Logger } from "pino";
import { type Audit, createAudit, noAudit } from "./access/audit/audit.ts";
import { createDescriber } from "./access/audit/command.ts";
import type { AuditEventName } from "./access/audit/events.ts";
import { AuditFile } from "./access/audit/file.ts";
import { createRedactor } from "./access/audit/redact.ts";
import type { OpenSink } from "./access/audit/sink.ts";
import { streamSink } from "./access/audit/stdout.ts";
import { AuditTrail } from "./access/audit/trail.ts";
import { ConfigError } from "./config/config-error.ts";
import type { Config } from "./config.ts";
import { systemClock } from "./exec/clock.ts";
import { auditKey } from "./state.ts";

export interface AuditDeps {
  readonly log: Logger;
  /** Counts a line. */
  written(event: AuditEventName): void;
  /** Ends what runs, because it cannot be audited. */
  endAll(): void;
}

/** How long a failure may last before `strict` ends what runs, milliseconds: a file that is found again at once ends nothing. */
const graceMs = 1200;

/** Opens the audit trail that the configuration asks for. @throws ConfigError when a `strict` one cannot be written */
export async function openAudit({ audit: config, stateDir }: Config, { log, written, endAll }: AuditDeps): Promise<Audit> {
  if (config === undefined) return noAudit;
  const { file, mode, redact } = config;
  let cancel = (): void => undefined;
  const failing = (reason: string): void => {
    log.error({ file, mode, reason }, "the audit trail cannot be written");
    if (mode === "strict") cancel = systemClock.after(graceMs, endAll);
  };
  const recovered = (): void => {
    cancel();
    log.warn({ file }, "the audit trail is written again");
  };
  const key = await auditKey(stateDir).catch(refuse(`the state directory ${stateDir}`));
  const options = { mode, clock: systemClock, written, failing, recovered };
  const trail = await AuditTrail.start(sinkOf(file), options).catch(refuse("audit.file"));
  const audit = createAudit(trail, createDescriber(createRedactor(redact), key), systemClock);
  return {
    ...audit,
    close: () => {
      cancel();
      trail.record({ event: "server.stop" });
      return audit.close();
    },
  };
}

function sinkOf(file: string): OpenSink {
  if (file !== "-") return (previous) => AuditFile.open(file, previous);
  const sink = streamSink(process.stdout);
  return () => Promise.resolve(sink);
}

function refuse(what: string): (cause: Error) => never {
  return (cause) => {
    throw new ConfigError(`${what}: ${cause.message}`);
  };
}
