import { ExecgateError } from "../../errors.ts";

/**
 * Reads as much of Kubernetes' binary form as reviews take: texts and messages within messages. kubectl 1.33 and newer send
 * their reviews so, whatever the server says that it takes.
 */

/** Field number → what it holds, as bytes; the last one where it comes twice. */
type Fields = ReadonlyMap<number, Buffer>;

const magic = Buffer.from("k8s\0");
const lengthDelimited = 2;

/** The message inside the envelope, which has it in its second field. @throws BAD_REQUEST */
export function readEnvelope(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, magic.length).equals(magic)) throw malformed();
  return readFields(bytes.subarray(magic.length)).get(2) ?? Buffer.alloc(0);
}

/** The fields of a message that have a length; numbers are passed over. @throws BAD_REQUEST */
export function readFields(bytes: Buffer): Fields {
  const fields = new Map<number, Buffer>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 49; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw malformed();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw malformed();
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag % 8 === lengthDelimited) {
      const length = varint();
      if (length > bytes.length - at) throw malformed();
      fields.set(Math.floor(tag / 8), bytes.subarray(at, at + length));
      at += length;
    } else if (tag % 8 === 0) varint();
    else throw malformed();
  }
  return fields;
}

function malformed(): ExecgateError {
  return new ExecgateError("BAD_REQUEST", "The body is not well-formed protobuf of Kubernetes; send application/json.");
}
