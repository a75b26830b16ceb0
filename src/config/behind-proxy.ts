import { isIP } from "node:net";
import { type Static, Type } from "../typebox.ts";
import { ConfigError } from "./config-error.ts";

/** `behindProxy`: whether a proxy stands in front, and which addresses are its. */
export const behindProxySchema = Type.Unsafe<boolean | { trusted: string[] }>({
  type: ["boolean", "object"],
  properties: { trusted: { type: "array", minItems: 1, items: { type: "string" }, expected: "a list of networks such as 10.0.0.0/8" } },
  required: ["trusted"],
  additionalProperties: false,
  default: false,
  expected: "true, false or { trusted: [networks] }",
});

/** The networks whose word is taken for where a request comes from. */
export interface ProxySettings {
  /** CIDR blocks. */
  readonly trusted: readonly string[];
}

/** A proxy that is said to be there and not where runs on this machine. */
const onThisMachine: ProxySettings = { trusted: ["127.0.0.0/8", "::1/128"] };

/** @returns undefined when no proxy stands in front. @throws ConfigError for what is no network */
export function readBehindProxy(value: Static<typeof behindProxySchema>): ProxySettings | undefined {
  if (typeof value === "boolean") return value ? onThisMachine : undefined;
  for (const [i, text] of value.trusted.entries()) {
    const [address = "", bits, ...more] = text.split("/");
    const kind = isIP(address);
    const isWhole = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (kind === 4 ? 32 : 128));
    if (kind === 0 || !isWhole || more.length > 0) {
      throw new ConfigError(`behindProxy.trusted.${i}: expected a network such as 10.0.0.0/8, got ${JSON.stringify(text)}`);
    }
  }
  return { trusted: value.trusted };
}
