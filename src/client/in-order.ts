/**
 * Hands items to `handle` one at a time and in order, each when the promise of the one before is settled. `hold(true)`
 * is called when items begin to wait, `hold(false)` when none waits any more, so that the source can be paused meanwhile.
 */
export function createInOrder<Item>(
  handle: (item: Item) => void | Promise<void>,
  hold: (held: boolean) => void,
  fail: (error: unknown) => void,
): (item: Item) => void {
  const waiting: Item[] = [];
  let busy = false;

  async function drain(first: Promise<void>): Promise<void> {
    busy = true;
    hold(true);
    try {
      await first;
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await handle(item);
    } catch (error) {
      waiting.length = 0;
      fail(error);
    }
    busy = false;
    hold(false);
  }

  return (item) => {
    if (busy) {
      waiting.push(item);
      return;
    }
    try {
      const pending = handle(item);
      if (pending !== undefined) void drain(pending);
    } catch (error) {
      fail(error);
    }
  };
}
