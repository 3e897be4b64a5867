import { uptime } from 'node:os';

/** What the host's clock on the wall says, which may be set, and what passes, which may not. */
export interface Clock {
  now(): Date;
  /** Whole milliseconds since the host's boot, the same for every process (CLOCK_MONOTONIC); never goes back. */
  monotonicMs(): bigint;
  /** How long the host has slept since its boot (CLOCK_BOOTTIME less CLOCK_MONOTONIC): that passes on the wall alone. */
  sleptMs(): number;
}

const monotonicMs = (): bigint => process.hrtime.bigint() / 1_000_000n;

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs,
  sleptMs: () => uptime() * 1_000 - Number(monotonicMs()),
};
