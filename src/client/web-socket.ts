/** A listener whose parameter may be wider than what a library declares: the browser's and ws's event types differ, what is read of them does not. */
type Listener<Event> = { listen(event: Event): void }["listen"] | null;

/** What is used of a WebSocket: the browser's own, and `ws` in Node, are both one. */
export interface WebSocketLike {
  binaryType: string;
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  onopen: Listener<unknown>;
  onmessage: Listener<{ readonly data: unknown }>;
  onclose: Listener<{ readonly code: number; readonly reason: string }>;
  onerror: Listener<unknown>;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

export const socketConnecting = 0;
export const socketOpen = 1;
