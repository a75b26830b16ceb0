import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { type AuditEventName, auditEventNames } from "./access/audit/events.ts";
import { type ErrorCode, errorTable } from "./errors.ts";
import { systemClock } from "./exec/clock.ts";
import { askHealth } from "./exec/health.ts";
import type { Observer } from "./exec/observer.ts";
import type { ExecMode } from "./exec/request.ts";
import type { Runtime } from "./exec/runtime.ts";
import type { Session } from "./exec/session.ts";
import type { ProbeObserver } from "./probes/probe.ts";
import { subprotocols } from "./wire/index.ts";

/** The metrics, and the two sides that feed them: the core as its observer, the server by calling. */
export interface Metrics {
  readonly contentType: string;
  render(): Promise<string>;
  readonly observer: Observer;
  refused(code: ErrorCode): void;
  clientCame(protocol: string): void;
  clientLeft(protocol: string): void;
  audited(event: AuditEventName): void;
  readonly probes: ProbeObserver;
}

/** From a fast host command to a long container start, in seconds. */
const startBuckets = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300, 3600];

/** Makes the registry. Label values come from fixed sets and configured names only, so that no client can add a series. */
export function createMetrics(runtimes: ReadonlyMap<string, Runtime>, version: string): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const counter = <T extends string>(name: string, help: string, labelNames: T[]) =>
    new Counter({ name: `execgate_${name}`, help, labelNames, registers });
  const gauge = <T extends string>(name: string, help: string, labelNames: T[]) =>
    new Gauge({ name: `execgate_${name}`, help, labelNames, registers });

  const execs = counter("execs_total", "Commands that were started and have ended.", ["runtime", "mode", "outcome", "exit"]);
  const labelNames = ["runtime", "mode"] as const;
  const durations = new Histogram({
    name: "execgate_exec_duration_seconds",
    help: "Time from start to the end of the command.",
    labelNames,
    buckets: durationBuckets,
    registers,
  });
  const starts = new Histogram({
    name: "execgate_exec_start_seconds",
    help: "Time that starting a command took.",
    labelNames: ["runtime"] as const,
    buckets: startBuckets,
    registers,
  });
  const active = gauge("sessions_active", "Commands that run.", ["runtime", "mode"]);
  const clients = gauge("clients_active", "WebSocket clients.", ["protocol"]);
  const bytes = counter("stream_bytes_total", "Bytes that commands wrote.", ["stream"]);
  const truncated = counter("output_truncated_total", "Answers whose output was cut at its cap.", []);
  const refusals = counter("refused_total", "Requests and starts that were refused.", ["code"]);
  const terminations = counter("terminations_total", "Process trees that were ended, by how sure that is.", ["kind"]);
  const backpressure = counter("backpressure_seconds_total", "Time that commands stood still for slow clients.", []);
  const audited = counter("audit_events_total", "Lines of the audit trail.", ["event"]);
  addConstantMetrics(registry, runtimes, version);
  beginRunsAtZero([...runtimes.keys()], { execs, durations, starts, active });
  beginAtZero(clients, "protocol", Object.keys(subprotocols));
  beginAtZero(refusals, "code", Object.keys(errorTable));
  beginAtZero(bytes, "stream", ["stdout", "stderr"]);
  beginAtZero(terminations, "kind", ["verified", "bestEffort"]);
  beginAtZero(audited, "event", auditEventNames);
  const byStream = { stdout: bytes.labels("stdout"), stderr: bytes.labels("stderr") };
  const labelsOf = ({ request }: Session): [string, string] => [request.target.runtime, request.mode];

  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    refused: (code) => refusals.inc({ code }),
    clientCame: (protocol) => clients.inc({ protocol }),
    clientLeft: (protocol) => clients.dec({ protocol }),
    audited: (event) => audited.inc({ event }),
    probes: createProbeMetrics(registers),
    observer: {
      started(session, startMs) {
        active.labels(...labelsOf(session)).inc();
        starts.labels(session.request.target.runtime).observe(startMs / 1000);
      },
      ended(session, { outcome, exitCode, durationMs, termination }) {
        const [runtime, mode] = labelsOf(session);
        active.labels(runtime, mode).dec();
        execs.labels(runtime, mode, outcome, exitCode === null ? "none" : exitCode === 0 ? "zero" : "nonzero").inc();
        durations.labels(runtime, mode).observe(durationMs / 1000);
        if (termination !== null) terminations.labels(termination).inc();
        const cap = session.request.collect?.bytesMax ?? Number.POSITIVE_INFINITY;
        if (session.log.counts.stdout > cap || session.log.counts.stderr > cap) truncated.inc();
      },
      output: (stream, count) => byStream[stream].inc(count),
      heldBack: (ms) => backpressure.inc(ms / 1000),
    },
  };
}

/** A series that comes with its first event hides that event: an increase is seen from zero only. */
function beginAtZero<T extends string>(metric: Counter<T> | Gauge<T>, label: T, values: readonly string[]): void {
  for (const value of values) metric.inc({ [label]: value } as Record<T, string>, 0);
}

interface RunMetrics {
  readonly execs: Counter<"runtime" | "mode" | "outcome" | "exit">;
  readonly durations: Histogram<"runtime" | "mode">;
  readonly starts: Histogram<"runtime">;
  readonly active: Gauge<"runtime" | "mode">;
}

/** The same for what is told of commands in each runtime. */
function beginRunsAtZero(runtimes: readonly string[], { execs, durations, starts, active }: RunMetrics): void {
  for (const runtime of runtimes) {
    starts.zero({ runtime });
    for (const mode of modes) {
      active.set({ runtime, mode }, 0);
      durations.zero({ runtime, mode });
      for (const ending of endings) execs.inc({ runtime, mode, ...ending }, 0);
    }
  }
}

/** How a command can end, as `execs_total` tells it. */
const endings = [
  { outcome: "exited", exit: "zero" },
  { outcome: "exited", exit: "nonzero" },
  { outcome: "timeout", exit: "none" },
  { outcome: "killed", exit: "none" },
  { outcome: "lost", exit: "none" },
] as const;

const modes: readonly ExecMode[] = ["sync", "interactive"];

function createProbeMetrics(registers: Registry[]): ProbeObserver {
  const labelNames = ["probe"] as const;
  const success = new Gauge({ name: "execgate_probe_success", help: "Whether all targets of the probe pass.", labelNames, registers });
  const durations = new Gauge({
    name: "execgate_probe_duration_seconds",
    help: "How long the slowest of the latest checks of the probe took.",
    labelNames,
    registers,
  });
  return {
    checked(probe, isPassing, durationMs) {
      success.set({ probe }, isPassing ? 1 : 0);
      durations.set({ probe }, durationMs / 1000);
    },
    removed(probe) {
      success.remove({ probe });
      durations.remove({ probe });
    },
  };
}

function addConstantMetrics(registry: Registry, runtimes: ReadonlyMap<string, Runtime>, version: string): void {
  const build = new Gauge({
    name: "execgate_build_info",
    help: "What is running.",
    labelNames: ["version", "node"],
    registers: [registry],
  });
  build.set({ version, node: process.version }, 1);
  new Gauge({
    name: "execgate_runtime_up",
    help: "Whether the runtime answers.",
    labelNames: ["runtime"] as const,
    registers: [registry],
    async collect() {
      const ask = async (runtime: Runtime): Promise<void> => {
        const { up } = await askHealth(runtime, systemClock);
        this.set({ runtime: runtime.name }, up ? 1 : 0);
      };
      await Promise.all([...runtimes.values()].map(ask));
    },
  });
}
