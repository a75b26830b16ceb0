import type { Logger } from "pino";
import type { TracingConfig } from "./config/tracing.ts";
import type { Observer } from "./exec/observer.ts";
import type { Runtime } from "./exec/runtime.ts";

/** What makes a span of every exec. */
export interface Tracing {
  readonly observer: Observer;
  /** The same runtimes, whose commands are told of their span where that is wanted. */
  handOn(runtimes: ReadonlyMap<string, Runtime>): ReadonlyMap<string, Runtime>;
  /** Sends what waits, for a bounded time. */
  close(): Promise<void>;
}

const noTracing: Tracing = { observer: {}, handOn: (runtimes) => runtimes, close: () => Promise.resolve() };

/** The tracing that the configuration asks for. OpenTelemetry's libraries are loaded for it only. */
export async function openTracing(config: TracingConfig | undefined, version: string, log: Logger): Promise<Tracing> {
  if (config === undefined) return noTracing;
  const { createTracing } = await import("./tracing/exec-spans.ts");
  return createTracing(config, version, log);
}
