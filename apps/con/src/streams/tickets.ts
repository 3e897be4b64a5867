import { createHash, randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Problem } from '@berth/problem';
import type { ExecSession } from '../host/runtime.js';
import type { Streams } from './streams.js';

export type Upload = Readonly<{ kind: 'upload'; bytes: bigint; take: (body: Readable) => Promise<void> }>;
export type Session = Readonly<{ kind: 'session'; timeoutMs: number; open: () => ExecSession }>;
export type Ticket = Upload | Session;

type Held = Readonly<{ ticket: Ticket; until: number }>;

const lifeMs = 60_000;
/** More at a time is a caller that runs wild. */
const most = 1_000;

/**
 * One-time tokens for bulk and live bytes: 256 random bits, good for 60 s and one use. Kept as hashes, so that neither
 * a dump of the process nor the time a look-up takes tells one.
 */
export class Tickets implements Streams {
  private readonly held = new Map<string, Held>();

  constructor(private readonly now: () => number = Date.now) {}

  receive(bytes: bigint, take: (body: Readable) => Promise<void>): string {
    return this.issue({ kind: 'upload', bytes, take });
  }

  session(open: () => ExecSession, { timeoutMs }: { timeoutMs: number }): string {
    return this.issue({ kind: 'session', timeoutMs, open });
  }

  /** What a path leads to, once and no more. `undefined` for one that never was, is used, is over, or is of another kind. */
  redeem<K extends Ticket['kind']>(
    path: string,
    kind: K,
    fits: (ticket: Ticket) => boolean = () => true,
  ): Extract<Ticket, { kind: K }> | undefined {
    const token = /^\/stream\/([A-Za-z0-9_-]{43})$/.exec(path)?.[1];
    if (token === undefined) return undefined;
    const key = hash(token);
    const held = this.held.get(key);
    if (!held || held.until <= this.now() || held.ticket.kind !== kind || !fits(held.ticket)) return undefined;
    this.held.delete(key);
    return held.ticket as Extract<Ticket, { kind: K }>;
  }

  private issue(ticket: Ticket): string {
    for (const [key, { until }] of this.held) if (until <= this.now()) this.held.delete(key);
    if (this.held.size >= most)
      throw new Problem('too_many', `cannot open another stream: ${most} wait to be used; try again in a minute`);
    const token = randomBytes(32).toString('base64url');
    this.held.set(hash(token), { ticket, until: this.now() + lifeMs });
    return `/stream/${token}`;
  }
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
