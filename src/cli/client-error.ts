/** The exit status of a client that could not do its work, which no common command uses for itself. */
export const failedStatus = 255;

/** A failure that is shown to the person in one line, without a stack. */
export class ClientError extends Error {
  override readonly name = "ClientError";
}
