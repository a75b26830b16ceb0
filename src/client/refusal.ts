/** A server that answered, and did not let in; by its stable code, where it has one. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: string;
  /** False where the same request may be let in later: the server is busy, or something in front of it does not reach it. */
  readonly isFinal: boolean;

  constructor(code: string, message: string, isFinal: boolean) {
    super(message);
    this.code = code;
    this.isFinal = isFinal;
  }
}

/** Whether an answer of this HTTP status is the last word. */
export function isFinalStatus(status: number): boolean {
  return status >= 400 && status < 500 && ![408, 425, 429].includes(status);
}
