import { status } from "@grpc/grpc-js";

const unanswered = new Set<number>([status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED]);

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

  /** Nobody answered, or not what runs the container: what was asked for may have been done or not. */
  get isUnanswered(): boolean {
    return (
      unanswered.has(this.status) ||
      (this.status === status.UNKNOWN && /context deadline exceeded|context canceled|ttrpc: closed/.test(this.message))
    );
  }
}
