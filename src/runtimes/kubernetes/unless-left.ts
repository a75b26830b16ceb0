/** How long an answer is waited for by who leaves meanwhile: mostly it is on its way. */
const leaveMs = 1000;

/** What `answer` comes to; undefined when who asked for it has left, by `signal`, and it has not come for a second. */
export function unlessLeft<T>(answer: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let waiting: NodeJS.Timeout | undefined;
    const leave = (): void => {
      waiting = setTimeout(() => resolve(undefined), leaveMs);
    };
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    const done = (): void => {
      clearTimeout(waiting);
      signal.removeEventListener("abort", leave);
    };
    answer.finally(done).then(resolve, reject);
  });
}
