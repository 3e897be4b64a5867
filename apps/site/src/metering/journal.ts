import type { ConClient, ResultOf } from '@berth/con-protocol';

/** The journal of one host, however it is reached. */
export type Journal = Readonly<{ host: string; read: ConClient['usage.read'] }>;

export type Page = ResultOf<'usage.read'>;

/** Where the next page begins: a number that means something in that journal only. */
export type Cursor = Readonly<{
  instance: string;
  /** Counts the times at which that instance went back to a backup of itself, from 1. */
  epoch: number;
  after: bigint;
  /** Until when an earlier journal of the host has told already. */
  resumesAt: Date | null;
}>;

/** The name under which a journal's numbers are kept. */
export function labelOf({ instance, epoch }: Cursor): string {
  return epoch === 1 ? instance : `${instance}~${epoch}`;
}

/** How many samples are asked for, and committed, at once. */
export const pageSize = 5_000;

/** Beyond this the host's clock or ours is wrong. It is flagged, and it never changes an amount. */
export const greatestSkewMs = 5_000;
