/** Runs a second when all `ways` of running something are kept busy until `runs` have been made. */
export async function rateOf(ways: readonly (() => Promise<unknown>)[], runs: number): Promise<number> {
  let left = runs;
  const began = performance.now();
  const keepBusy = async (run: () => Promise<unknown>): Promise<void> => {
    while (left-- > 0) await run();
  };
  await Promise.all(ways.map(keepBusy));
  return (runs * 1000) / (performance.now() - began);
}

/** Round by round: the two of one round saw the same machine. */
export function ratios(ours: readonly number[], others: readonly number[]): number[] {
  return ours.map((value, round) => value / (others[round] ?? Number.NaN));
}

/** The milliseconds that one run takes. */
export async function timed(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}
