/** `work` as a function of which whoever calls while it goes on shares the one that does: two ends of one tree would disturb each other. */
export function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let going: Promise<T> | undefined;
  return () => {
    going ??= work().finally(() => {
      going = undefined;
    });
    return going;
  };
}
