import { ExecgateError } from "../../errors.ts";

/** A form in which Kubernetes clients ask for what they get. */
export interface Form {
  /** `Table`, `APIGroupDiscoveryList` and the like; undefined for the thing itself. */
  readonly as: string | undefined;
  readonly group: string | undefined;
  readonly version: string | undefined;
}

/**
 * The first form of `Accept` that can be given; the thing itself where nothing is asked for. Clients list the one that
 * they like best first and send no weights.
 * @throws NOT_ACCEPTABLE
 */
export function chooseForm(accept: string | undefined, isGiven: (form: Form) => boolean): Form {
  if (accept === undefined || accept.trim() === "") return plain;
  for (const entry of accept.split(",")) {
    const [type = "", ...parameters] = entry.split(";").map((part) => part.trim());
    if (!["application/json", "application/*", "*/*"].includes(type.toLowerCase())) continue;
    const fields = new Map(parameters.map((parameter) => splitAt(parameter, "=")));
    const form = { as: fields.get("as"), group: fields.get("g"), version: fields.get("v") };
    if (form.as === undefined || isGiven(form)) return form;
  }
  throw new ExecgateError("NOT_ACCEPTABLE", "This is given as application/json only.", { field: "Accept" });
}

const plain: Form = { as: undefined, group: undefined, version: undefined };

function splitAt(text: string, mark: string): readonly [string, string] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + mark.length)];
}
