import type { ConnectionHandlers } from "./connection.ts";

/**
 * Handlers that acknowledge output when it is handled, four times a window: what still waits is not acknowledged, so that
 * the command waits for whoever handles it.
 * @param ack tells how many output bytes are handled, counted from the session's start
 */
export function acknowledging(handlers: ConnectionHandlers, ack: (bytes: number) => void): ConnectionHandlers {
  let [handled, acknowledged, step] = [0, 0, Number.POSITIVE_INFINITY];
  const reach = (offset: number): void => {
    handled = offset;
    if (handled - acknowledged < step) return;
    acknowledged = handled;
    ack(handled);
  };
  const reachAfter = (handling: void | Promise<void>, offset: number): void | Promise<void> =>
    handling === undefined ? reach(offset) : handling.then(() => reach(offset));
  return {
    ...handlers,
    attached(message) {
      const { offset, ackWindow } = message;
      [handled, acknowledged, step] = [offset, offset, ackWindow > 0 ? ackWindow / 4 : Number.POSITIVE_INFINITY];
      return handlers.attached?.(message);
    },
    output: (message) => reachAfter(handlers.output(message), handled + message.bytes.byteLength),
    gap: (from, to) => reachAfter(handlers.gap?.(from, to), to),
  };
}
