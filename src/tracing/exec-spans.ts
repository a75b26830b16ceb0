import { diag, ROOT_CONTEXT, type Span, type SpanContext, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from "@opentelemetry/sdk-trace";
import type { Logger } from "pino";
import type { TracingConfig } from "../config/tracing.ts";
import { systemClock, within } from "../exec/clock.ts";
import type { Observer } from "../exec/observer.ts";
import type { ExecSpec } from "../exec/runtime.ts";
import type { Session } from "../exec/session.ts";
import type { Tracing } from "../tracing.ts";
import { handOnSpans } from "./hand-on.ts";

/** How long the end waits for the receiver, milliseconds. */
const closeMsMax = 2000;

/** A span for each exec, from before its start to its end, below the caller's where it told one. */
export function createTracing({ endpoint, ratio, handOn }: TracingConfig, version: string, log: Logger): Tracing {
  const tell = (message: string): void => log.warn({ reason: message }, "tracing");
  const quiet = (): void => undefined;
  diag.setLogger({ error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "execgate", "service.version": version }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: endpoint }) })],
  });
  const tracer = provider.getTracer("execgate", version);
  // The spec is the very object that is started, so that it stands for its exec on both sides of the core.
  const spans = new WeakMap<ExecSpec, Span>();
  const begin = ({ id, request }: Session): void => {
    const { target, spec, mode, principal } = request;
    const attributes = {
      "execgate.session": id,
      "execgate.target": target.id,
      "execgate.runtime": target.runtime,
      "execgate.mode": mode,
      "execgate.principal": principal,
    };
    const parent = request.trace === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, readContext(request.trace));
    spans.set(spec, tracer.startSpan(`exec ${target.runtime}`, { attributes }, parent));
  };
  return {
    observer: createObserver(begin, ({ request }) => spans.get(request.spec)),
    handOn: (runtimes) => (handOn ? handOnSpans(runtimes, (spec) => spans.get(spec)?.spanContext()) : runtimes),
    async close() {
      await within(
        systemClock,
        closeMsMax,
        provider.shutdown().catch(() => undefined),
      );
    },
  };
}

function createObserver(begin: (session: Session) => void, spanOf: (session: Session) => Span | undefined): Observer {
  return {
    starting: begin,
    started: (session, startMs) => void spanOf(session)?.addEvent("started", { "execgate.startMs": startMs }),
    failed(session, code) {
      const span = spanOf(session);
      span?.setAttributes({ "execgate.outcome": "refused", "error.type": code });
      span?.setStatus({ code: SpanStatusCode.ERROR, message: code });
      span?.end();
    },
    ended(session, { outcome, exitCode, endedBy, termination }) {
      const span = spanOf(session);
      span?.setAttribute("execgate.outcome", outcome);
      if (exitCode !== null) span?.setAttribute("process.exit.code", exitCode);
      if (endedBy !== null) span?.setAttribute("execgate.endedBy", endedBy);
      if (termination !== null) span?.setAttribute("execgate.termination", termination);
      // What a command says by its exit code is its own affair: the exec went well.
      if (outcome !== "exited") span?.setStatus({ code: SpanStatusCode.ERROR, message: outcome });
      span?.end();
    },
  };
}

/** A `traceparent` that was found to be well formed. */
function readContext(traceparent: string): SpanContext {
  const [, traceId = "", spanId = "", flags = "00"] = traceparent.split("-");
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}
