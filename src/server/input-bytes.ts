import { ExecgateError } from "../errors.ts";

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * The bytes of a text that came with its encoding; none for no text.
 * @param field how the text is called in the request
 * @throws BAD_REQUEST for what is not base64 with its padding, which Node would read as far as it can
 */
export function inputBytes(text: string | undefined, encoding: "utf8" | "base64" | undefined, field: string): Buffer {
  if (encoding === "base64" && text !== undefined && !(text.length % 4 === 0 && base64.test(text))) {
    throw new ExecgateError("BAD_REQUEST", `${field} is not base64 with its padding.`, { field });
  }
  return Buffer.from(text ?? "", encoding ?? "utf8");
}
