/** Time, injected, so that tests move it and never sleep. */
export interface Clock {
  /** Wall time in milliseconds since 1970: for what people read, never for measuring. */
  now(): number;
  /** Milliseconds that only ever grow, with fractions: for durations and deadlines. */
  monotonicMs(): number;
  /** Calls `then` once after `ms` milliseconds, unless the returned function is called before. */
  after(ms: number, then: () => void): () => void;
}

/** The longest delay that one timer of Node can hold, which is 24 days; a longer one is waited for in parts. */
const delayMsMax = 2 ** 31 - 1;

/**
 * A timer that falls due while the loop was busy with something else is late together with everything that has arrived
 * meanwhile, an exit or an answer: that is heard first, so that nobody is said to be late who was not.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(ms, then) {
    let timer: NodeJS.Timeout;
    let turn: NodeJS.Immediate | undefined;
    const fall = (): void => {
      turn = setImmediate(then);
    };
    const wait = (restMs: number): void => {
      const next = restMs > delayMsMax ? () => wait(restMs - delayMsMax) : fall;
      timer = setTimeout(next, Math.min(restMs, delayMsMax));
    };
    wait(ms);
    return () => {
      clearTimeout(timer);
      clearImmediate(turn);
    };
  },
};

/** Whether `promise` settled within `ms` milliseconds. It is not to reject. */
export async function within(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  let cancel = (): void => undefined;
  const late = new Promise<boolean>((resolve) => {
    cancel = clock.after(ms, () => resolve(false));
  });
  const isInTime = await Promise.race([promise.then(() => true), late]);
  cancel();
  return isInTime;
}
