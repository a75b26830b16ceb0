import { status } from "@grpc/grpc-js";

/** What containerd answered instead, or that it did not. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;

  constructor(code: number, details: string) {
    super(details);
    this.status = code;
  }

  get isMissing(): boolean {
    return this.status === status.NOT_FOUND;
  }

  /** The state of the thing that was asked for forbids it. */
  get isOutOfState(): boolean {
    return this.status === status.FAILED_PRECONDITION;
  }

  /** There was no answer in time, and there will be none to a question more. */
  get isLate(): boolean {
    return this.status === status.DEADLINE_EXCEEDED;
  }

  /** Nobody answered: what was asked for may have been done or not. */
  get isUnanswered(): boolean {
    return this.status === status.UNAVAILABLE || this.status === status.DEADLINE_EXCEEDED || this.status === status.CANCELLED;
  }
}
