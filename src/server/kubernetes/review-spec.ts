import type { Asked } from "./access-review.ts";
import { readEnvelope, readFields } from "./protobuf.ts";

/** The body of a review: JSON that was parsed, or protobuf as it came. */
export type ReviewBody = Buffer | Readonly<Record<string, unknown>>;

/** The parts of a specification that reviews ask for, by name and by their numbers in protobuf. */
const numbers = {
  resourceAttributes: { namespace: 1, verb: 2, group: 3, resource: 5, subresource: 6, name: 7 },
  nonResourceAttributes: { path: 1, verb: 2 },
} as const;

type Part = keyof typeof numbers;
type Texts<P extends Part> = Readonly<Record<keyof (typeof numbers)[P], string>>;

/** What a SelfSubjectAccessReview asks about. @throws BAD_REQUEST */
export function readAsked(body: ReviewBody): Asked {
  return { resource: readPart(body, "resourceAttributes", 1), path: readPart(body, "nonResourceAttributes", 2) };
}

/** The namespace that a SelfSubjectRulesReview asks about. @throws BAD_REQUEST */
export function readNamespace(body: ReviewBody): string {
  const spec = specOf(body);
  return Buffer.isBuffer(spec) ? textOf(readFields(spec).get(1)) : textOf(spec.namespace);
}

function specOf(body: ReviewBody): Buffer | Readonly<Record<string, unknown>> {
  if (Buffer.isBuffer(body)) return readFields(readEnvelope(body)).get(2) ?? Buffer.alloc(0);
  return isRecord(body.spec) ? body.spec : {};
}

function readPart<P extends Part>(body: ReviewBody, name: P, number: number): Texts<P> | undefined {
  const spec = specOf(body);
  const part = Buffer.isBuffer(spec) ? readFields(spec).get(number) : spec[name];
  if (part === undefined || part === null) return undefined;
  const fields = Buffer.isBuffer(part) ? readFields(part) : undefined;
  const entries = Object.entries(numbers[name]).map(([key, at]) => [
    key,
    textOf(fields === undefined ? (part as Readonly<Record<string, unknown>>)[key] : fields.get(at)),
  ]);
  return Object.fromEntries(entries) as Texts<P>;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function textOf(value: unknown): string {
  if (Buffer.isBuffer(value)) return value.toString("utf8");
  return typeof value === "string" ? value : "";
}
