import { type Static, Type } from "../typebox.ts";
import { ConfigError } from "./config-error.ts";
import { flag, optionalSection, text } from "./fields.ts";

/** `tracing`: where spans go. Without it there are none, and what makes them is not loaded. */
export const tracingSchema = optionalSection({
  endpoint: text("the URL of an OTLP receiver, such as http://127.0.0.1:4318/v1/traces"),
  ratio: Type.Number({ minimum: 0, maximum: 1, default: 1, expected: "a number from 0 to 1" }),
  handOn: flag(false),
});

export type TracingConfig = Readonly<NonNullable<Static<typeof tracingSchema>>>;

/** @throws ConfigError for what each value for itself does not show */
export function checkTracing(tracing: TracingConfig | undefined): void {
  if (tracing === undefined) return;
  const { endpoint } = tracing;
  if (/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : "")) return;
  throw new ConfigError(`tracing.endpoint: expected an http or https URL, got ${JSON.stringify(endpoint)}`);
}
