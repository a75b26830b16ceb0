import type { FastifySchemaValidationError } from "fastify";
import { ExecgateError } from "../errors.ts";

/** How Ajv is set: it refuses, and never repairs, drops or fills in. */
export const ajvOptions = { removeAdditional: false, coerceTypes: false, useDefaults: false, allErrors: false, strict: false } as const;

/** The first thing that is wrong with a request, as a sentence that names the field. */
export function explainInvalid(errors: readonly FastifySchemaValidationError[], part: string): ExecgateError {
  // Of a choice, the alternatives' errors come first and the choice itself last; the first says best what was meant.
  const [error] = errors;
  if (error === undefined) return new ExecgateError("BAD_REQUEST", "The request is not well formed.");
  const params = error.params as {
    additionalProperty?: string;
    missingProperty?: string;
    propertyName?: string;
    allowedValues?: unknown[];
  };
  const keys = error.instancePath.split("/").slice(1).map(unescapePointer);
  const extra = params.additionalProperty ?? params.missingProperty ?? params.propertyName;
  const field = (extra === undefined ? keys : [...keys, extra]).join(".");
  return new ExecgateError(
    "BAD_REQUEST",
    `${field === "" ? `The ${part}` : field} ${say(error, params, part)}.`,
    field === "" ? {} : { field },
  );
}

function say(error: FastifySchemaValidationError, params: { allowedValues?: unknown[] }, part: string): string {
  if (error.keyword === "additionalProperties")
    return part === "querystring" ? "is not a parameter of this request" : "is not a field of this request";
  if (error.keyword === "required") return "is missing";
  if (error.keyword === "enum") return `must be one of ${params.allowedValues?.map((value) => JSON.stringify(value)).join(", ")}`;
  if (error.keyword === "const") return "has none of the values that are allowed";
  if (error.keyword === "pattern") return "is not well formed";
  return error.message ?? "is not well formed";
}

function unescapePointer(key: string): string {
  return key.replaceAll("~1", "/").replaceAll("~0", "~");
}
