/** A command that was called in a way it does not know (EX_USAGE of sysexits.h). */
const usageStatus = 64;
/** A file that cannot be what it is to be (EX_CONFIG). */
export const configStatus = 78;

/** What an operator's command could not do, and the status to exit with. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
  readonly status: number;

  constructor(message: string, status = usageStatus) {
    super(message);
    this.status = status;
  }
}
