import type { SpanContext } from "@opentelemetry/api";
import type { ExecSpec, Runtime } from "../exec/runtime.ts";

/** Runtimes whose commands find their span in `TRACEPARENT`, unless who asked for them said another. */
export function handOnSpans(
  runtimes: ReadonlyMap<string, Runtime>,
  spanOf: (spec: ExecSpec) => SpanContext | undefined,
): ReadonlyMap<string, Runtime> {
  return new Map([...runtimes].map(([name, runtime]) => [name, handOnSpan(runtime, spanOf)]));
}

function handOnSpan(runtime: Runtime, spanOf: (spec: ExecSpec) => SpanContext | undefined): Runtime {
  return {
    name: runtime.name,
    kind: runtime.kind,
    capabilities: runtime.capabilities,
    isolation: runtime.isolation,
    targets: () => runtime.targets(),
    resolve: (id) => runtime.resolve(id),
    ping: (signal) => runtime.ping(signal),
    close: () => runtime.close(),
    start(target, spec, signal) {
      const span = spanOf(spec);
      const added = span === undefined ? {} : { TRACEPARENT: traceparentOf(span) };
      return runtime.start(target, Object.freeze({ ...spec, env: Object.freeze({ ...added, ...spec.env }) }), signal);
    },
  };
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}
