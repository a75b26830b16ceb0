import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import type { Audit } from "./access/audit/audit.ts";
import { ConfigError } from "./config/config-error.ts";
import type { Config } from "./config.ts";
import { systemClock } from "./exec/clock.ts";
import { Recordings } from "./recording/recordings.ts";

/** Opens the recordings that the configuration asks for. @throws ConfigError when there is to be one of everything, and there is no place for it */
export async function openRecordings({ recording, stateDir }: Config, audit: Audit, log: Logger): Promise<Recordings> {
  const dir = recording.dir ?? join(stateDir, "recordings");
  if (recording.mode === "strict") await mkdir(dir, { recursive: true, mode: 0o700 }).catch(refuse);
  return new Recordings(
    { ...recording, dir },
    {
      clock: systemClock,
      failed(session, reason) {
        log.error({ session, reason }, "the session is not recorded");
        audit.record({ event: "recording.failure", session, reason });
      },
    },
  );
}

function refuse(cause: Error): never {
  throw new ConfigError(`recording.dir: ${cause.message}`);
}
