import { once } from "node:events";
import { userInfo } from "node:os";
import { destination, type Logger, pino } from "pino";
import { ConfigError } from "./config/config-error.ts";
import { loadConfig } from "./config.ts";
import { type Gateway, startGateway } from "./gateway.ts";

/** The exit status of a start that the configuration forbids (EX_CONFIG of sysexits.h). */
const configStatus = 78;

/** `execgate serve`: runs until SIGTERM or SIGINT; a second one ends at once what still runs. */
export async function serve(argv: readonly string[]): Promise<void> {
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination({ fd: 2, sync: true }));
  const asked = new AbortController();
  const hurry = new AbortController();
  const onSignal = (): void => (asked.signal.aborted ? hurry : asked).abort();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, onSignal);
  // A terminal that is closed must not end what runs.
  process.on("SIGHUP", () => log.info("SIGHUP"));
  const gateway = await start(argv, log);
  process.on("SIGHUP", () => gateway.audit.reopen());
  if (!asked.signal.aborted) await once(asked.signal, "abort");
  log.info("draining");
  await gateway.shutdown(hurry.signal);
  log.info("stopped");
  process.exit(0);
}

async function start(argv: readonly string[], log: Logger): Promise<Gateway> {
  try {
    const config = loadConfig({ argv, env: process.env });
    const gateway = await startGateway(config, log);
    const isolation = Object.fromEntries([...gateway.runtimes.values()].map((runtime) => [runtime.name, runtime.isolation]));
    log.info({ urls: gateway.urls, metricsUrl: gateway.metricsUrl, isolation }, "execgate is ready");
    if (["own", userInfo().username].includes(isolation.host?.user ?? "")) {
      log.warn("commands on the host run as the gateway's own user: policy there cannot be more than advice");
    }
    if (process.stdout.isTTY) process.stdout.write(banner(gateway));
    return gateway;
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    process.stderr.write(`execgate: ${cause.message}\n`);
    process.exit(configStatus);
  }
}

/** What a person who starts the gateway by hand wants to know. */
function banner({ urls, token, runtimes }: Gateway): string {
  const host = runtimes.get("host")?.isolation ?? {};
  const facts = Object.entries(host).map(([name, value]) => `  ${name.padEnd(12)} ${value}`);
  const fragment = token === undefined ? "" : `#token=${token}`;
  return ["", `  execgate     ${urls[0]}/${fragment}`, ...urls.slice(1).map((url) => `               ${url}`), ...facts, "", ""].join("\n");
}
