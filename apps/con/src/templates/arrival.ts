import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Problem } from '@berth/problem';
import { Context, contextBounds } from './context.js';

/** Opens a one-time way in for exactly so many bytes, and answers its path. */
export type Receive = (bytes: bigint, take: (body: Readable) => Promise<void>) => string;

export type Arrival = Readonly<{ upload: string; context: Promise<Context>; remove: () => void }>;

type ArrivalsNeeds = Readonly<{ home: string; receive: Receive; closing: AbortSignal; timeoutMs: number }>;

/** Contexts on their way in, a file each; none outlives its build, nor a restart. */
export class Arrivals {
  private readonly directory: string;
  private count = 0;

  constructor(private readonly needs: ArrivalsNeeds) {
    this.directory = join(needs.home, 'contexts');
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(this.directory)) {
      if (/^\d+\.tar$/.test(name)) rmSync(join(this.directory, name));
    }
  }

  /** @throws Problem `invalid`. */
  mustFit(bytes: bigint): void {
    if (bytes >= 0n && bytes <= contextBounds.bytes) return;
    throw new Problem(
      'invalid',
      `cannot take a context of ${bytes} bytes: at most ${contextBounds.bytes} are allowed; leave out what no COPY needs`,
    );
  }

  /** What arrives late, or after the daemon began to stop, is refused; waiting for it ends then too. */
  expect(bytes: bigint, cancelled: AbortSignal): Arrival {
    const { closing, timeoutMs, receive } = this.needs;
    this.count += 1;
    const file = join(this.directory, `${this.count}.tar`);
    const over = AbortSignal.any([closing, cancelled, AbortSignal.timeout(timeoutMs)]);
    let take: (body: Readable) => Promise<void> = () =>
      Promise.reject(new Problem('conflict', 'cannot take the context: nobody waits for it'));
    const context = new Promise<Context>((resolve, reject) => {
      const giveUp = (): void =>
        reject(
          new Problem('unavailable', `cannot read the context: it did not arrive within ${timeoutMs / 1000} seconds`),
        );
      over.addEventListener('abort', giveUp, { once: true });
      take = async (body) => {
        if (over.aborted) throw new Problem('conflict', 'cannot take the context: the build waits for it no longer');
        over.removeEventListener('abort', giveUp);
        const stored = Context.store(file, body);
        stored.then(resolve, (cause: unknown) => reject(whenCut(cause)));
        await stored;
      };
    });
    return { upload: receive(bytes, (body) => take(body)), context, remove: () => rmSync(file, { force: true }) };
  }
}

/** What the one who uploads is told by his own connection, the template has to say, too. */
function whenCut(cause: unknown): unknown {
  if (!(cause instanceof Error && 'code' in cause)) return cause;
  if (cause.code !== 'ECONNRESET' && cause.code !== 'ERR_STREAM_PREMATURE_CLOSE') return cause;
  return new Problem('unavailable', 'cannot read the context: its upload was cut; build again', { cause });
}
