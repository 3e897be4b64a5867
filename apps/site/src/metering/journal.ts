import type { ConClient, ResultOf } from '@berth/con-protocol';

/** The journal of one host, however it is reached. */
export type Journal = Readonly<{ host: string; read: ConClient['usage.read'] }>;

export type Page = ResultOf<'usage.read'>;

/** Where the next page begins: a number that means something to that instance of con only. */
export type Cursor = Readonly<{ instance: string; after: bigint }>;

/** How many samples are asked for, and committed, at once. */
export const pageSize = 5_000;

/** Beyond this the host's clock or ours is wrong. It is flagged, and it never changes an amount. */
export const greatestSkewMs = 5_000;
