/** A failure that is shown to the person in one line, without a stack. */
export class ClientError extends Error {
  override readonly name = "ClientError";
}
