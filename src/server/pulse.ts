/** How a connection stands at a beat. */
export interface Standing {
  /** Something that was sent is still under way to the peer. */
  readonly isSending: boolean;
  /** The peer is not read, because it has sent more stdin than it may. */
  readonly isUnread: boolean;
  /** Bytes of its stdin that were taken so far. */
  readonly takenBytes: number;
}

/** So many beats a peer may miss. */
const missedMax = 2;

/**
 * Whether a peer still lives, by its pongs. A pong cannot pass what the peer has not read yet: a client that withholds its
 * acknowledgements, because somebody reads a pager, still answers and may take its time. Nor can it pass stdin beyond the
 * client's credit, where whoever was told of it does not go: then stdin that is taken is the sign of life. Whoever knows of no
 * credit is waited for.
 */
export class Pulse {
  readonly #knowsCredit: boolean;
  #missed = 0;
  #takenBytes = 0;

  /** @param knowsCredit whether the peer was told how much stdin it may send */
  constructor(knowsCredit: boolean) {
    this.#knowsCredit = knowsCredit;
  }

  /** The peer was heard. */
  heard(): void {
    this.#missed = 0;
  }

  /** One beat is over; false when too many were missed. */
  beat({ isSending, isUnread, takenBytes }: Standing): boolean {
    const isMoving = takenBytes !== this.#takenBytes;
    this.#takenBytes = takenBytes;
    if (isUnread && isMoving && !isSending) this.heard();
    const isOwed = !isSending && (!isUnread || this.#knowsCredit);
    if (isOwed) this.#missed++;
    return this.#missed <= missedMax;
  }
}
