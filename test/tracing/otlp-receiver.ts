import { once } from "node:events";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";

/** A span as OTLP has it in JSON. */
export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: Pick<OtlpSpan, "attributes">;
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

/** What takes traces as an OpenTelemetry collector does, over HTTP. */
export interface Receiver extends AsyncDisposable {
  readonly endpoint: string;
  readonly spans: readonly OtlpSpan[];
  /** What the senders said of themselves, by `service.name`. */
  readonly services: ReadonlySet<unknown>;
}

export async function openReceiver(): Promise<Receiver> {
  const spans: OtlpSpan[] = [];
  const services = new Set<unknown>();
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      for (const { resource, scopeSpans } of (body as Export).resourceSpans) {
        services.add(attributeOf(resource, "service.name"));
        spans.push(...scopeSpans.flatMap((scope) => scope.spans));
      }
      response.setHeader("content-type", "application/json").end("{}");
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}/v1/traces`,
    spans,
    services,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** An attribute, whatever its type. */
export function attributeOf({ attributes }: Pick<OtlpSpan, "attributes">, key: string): unknown {
  const value = attributes.find((attribute) => attribute.key === key)?.value;
  return value === undefined ? undefined : Object.values(value)[0];
}
