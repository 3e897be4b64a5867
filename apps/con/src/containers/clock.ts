/** Wall time labels, monotonic time spaces: a clock that is set back makes no second longer. */
export interface Clock {
  now(): Date;
  /** Whole milliseconds since some moment of this process; never goes back. */
  monotonicMs(): bigint;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => process.hrtime.bigint() / 1_000_000n,
};
