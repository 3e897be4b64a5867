import { Problem } from '@berth/problem';

/** What the kernel holds a container to. */
export type Limits = Readonly<{
  memoryBytes: bigint;
  /** Thousandths of one core. */
  cpuMillis: number;
  /** Processes and threads together. */
  pids: number;
}>;

const MiB = 1024n * 1024n;

export const defaultLimits: Limits = { memoryBytes: 512n * MiB, cpuMillis: 1000, pids: 512 };

/** What a container may write where nobody says how much. */
export const usualDiskBytes = 10n * 1024n * MiB;

/** Below the least, systemd does not boot; above the most, a number is a mistake. */
export const limitBounds = {
  memoryBytes: { least: 64n * MiB, most: 1024n * 1024n * MiB },
  cpuMillis: { least: 50, most: 1_024_000 },
  pids: { least: 32, most: 1_000_000 },
} as const;

/** @throws Problem `invalid`, naming the limit and its bounds. */
export function mustBeLimits(limits: Limits): Limits {
  for (const key of ['memoryBytes', 'cpuMillis', 'pids'] as const) {
    const { least, most } = limitBounds[key];
    if (limits[key] < least || limits[key] > most) {
      throw new Problem('invalid', `cannot use ${key} ${limits[key]}: it must be from ${least} to ${most}`);
    }
  }
  return limits;
}
