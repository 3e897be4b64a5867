import { Problem } from '@berth/problem';

/** What the kernel holds a container to. */
export type Limits = Readonly<{
  memoryBytes: bigint;
  /** Thousandths of one core. */
  cpuMillis: number;
  /** Processes and threads together. */
  pids: number;
  /** What it may write; its template is not among it, nor are its snapshots. */
  diskBytes: bigint;
}>;

/** As callers tell them: those who know nothing of the disk leave it as it is. */
export type WantedLimits = Omit<Limits, 'diskBytes'> & Readonly<{ diskBytes?: bigint | undefined }>;

const MiB = 1024n * 1024n;

export const defaultLimits: Limits = {
  memoryBytes: 512n * MiB,
  cpuMillis: 1000,
  pids: 512,
  diskBytes: 10n * 1024n * MiB,
};

/** Below the least, systemd does not boot; above the most, a number is a mistake. */
export const limitBounds = {
  memoryBytes: { least: 64n * MiB, most: 1024n * 1024n * MiB },
  cpuMillis: { least: 50, most: 1_024_000 },
  pids: { least: 32, most: 1_000_000 },
  diskBytes: { least: 64n * MiB, most: 16n * 1024n * 1024n * MiB },
} as const;

/** The disk is as it was where nothing is told of it. @throws Problem `invalid`, naming the limit and its bounds. */
export function mustBeLimits(wanted: WantedLimits, { diskBytes }: Pick<Limits, 'diskBytes'> = defaultLimits): Limits {
  const limits = { ...wanted, diskBytes: wanted.diskBytes ?? diskBytes };
  for (const key of ['memoryBytes', 'cpuMillis', 'pids', 'diskBytes'] as const) {
    const { least, most } = limitBounds[key];
    if (limits[key] < least || limits[key] > most) {
      throw new Problem('invalid', `cannot use ${key} ${limits[key]}: it must be from ${least} to ${most}`);
    }
  }
  return limits;
}
