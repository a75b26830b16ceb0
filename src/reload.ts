import type { Logger } from "pino";
import type { Audit } from "./access/audit/audit.ts";
import type { Config } from "./config.ts";

export interface ReloadDeps {
  /** What the gateway was started with. */
  readonly config: Config;
  /** Reads the configuration again. @throws ConfigError */
  readonly load: () => Config;
  /** Gives it, in one turn, to everything that lives by it; returns how much of what went on was ended. */
  readonly apply: (config: Config) => number;
  readonly audit: Pick<Audit, "record" | "reopen">;
  readonly log: Logger;
}

export interface Reload {
  run(): void;
  /** The digest of the file that is in use. */
  sha256(): string | undefined;
}

/** What a reload changes; everything else waits for a restart. */
const reloaded: readonly string[] = ["auth", "policy", "probes", "file"];

/**
 * Returns what reads the configuration again: identity, policy and probes are what the file says from then on, or, when it is no
 * good, what they were; the audit goes on in the file that stands at its path.
 */
export function createReload({ config: started, load, apply, audit, log }: ReloadDeps): Reload {
  let current = started;
  const run = (): void => {
    audit.reopen();
    if (started.file === undefined) {
      log.info("there is no configuration file to read again");
      return;
    }
    const next = tryTo(load, (reason) => {
      log.error({ file: started.file?.path, reason }, "the configuration could not be read again; the one from before goes on");
      audit.record({ event: "policy.reload", outcome: "kept", sha256: current.file?.sha256, reason });
    });
    if (next === undefined) return;
    const ended = apply(next);
    if (current.policy !== undefined && next.policy === undefined) {
      log.warn("the configuration has no policy any more: whoever is authenticated may do everything");
    }
    current = next;
    log.info({ file: next.file?.path, sha256: next.file?.sha256, ended }, "auth, policy and probes were read again");
    audit.record({ event: "policy.reload", outcome: "applied", sha256: next.file?.sha256 });
    const waiting = changedKeys(started, next);
    if (waiting.length > 0) log.warn({ settings: waiting }, "these settings have changed and wait for a restart");
  };
  return { run, sha256: () => current.file?.sha256 };
}

function tryTo(load: () => Config, failed: (reason: string) => void): Config | undefined {
  try {
    return load();
  } catch (cause) {
    failed(cause instanceof Error ? cause.message : String(cause));
    return undefined;
  }
}

function changedKeys(before: Config, after: Config): string[] {
  const textOf = (config: Config, key: string): string | undefined => JSON.stringify(config[key as keyof Config]);
  return Object.keys(before).filter((key) => !reloaded.includes(key) && textOf(before, key) !== textOf(after, key));
}
