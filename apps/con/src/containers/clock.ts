/** What the host's clock on the wall says, which may be set, and what passes, which may not. */
export interface Clock {
  now(): Date;
  /** Whole milliseconds since the host's boot, the same for every process (CLOCK_MONOTONIC); never goes back. */
  monotonicMs(): bigint;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => process.hrtime.bigint() / 1_000_000n,
};
