import { isUtf8 } from "node:buffer";
import { ExecgateError } from "../errors.ts";

/** The most that a reason may be, characters. */
export const reasonLengthMax = 512;

/** The header that gives the reason of a request. */
export const reasonHeader = "execgate-reason";

/**
 * Reads the reason from its header, which is UTF-8, or Latin-1 where a browser sent it.
 * @throws BAD_REQUEST when it is empty, too long, or holds control characters
 */
export function readReason(header: string | string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const latin1 = [header].flat().join(", ");
  const bytes = Buffer.from(latin1, "latin1");
  const reason = isUtf8(bytes) ? bytes.toString("utf8") : latin1;
  if (reason.length > 0 && reason.length <= reasonLengthMax && !/\p{Cc}/u.test(reason)) return reason;
  const message = `Execgate-Reason must be 1 to ${reasonLengthMax} characters, none of them a control character.`;
  throw new ExecgateError("BAD_REQUEST", message, { field: "Execgate-Reason" });
}

/** The reason of a request, which stands in a field of it or in the header. @throws BAD_REQUEST when they say different things */
export function chooseReason(field: string | undefined, header: string | undefined): string | undefined {
  if (field === undefined || header === undefined || field === header) return field ?? header;
  throw new ExecgateError("BAD_REQUEST", "reason is not what the Execgate-Reason header says; give one of them.", { field: "reason" });
}
