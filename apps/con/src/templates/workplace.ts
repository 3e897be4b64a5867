import { asProblem, Problem } from '@berth/problem';
import type { Chain, Layer, Layers } from '../host/layers.js';
import type { SnapshotRecords } from './records.js';
import { diskFull, isNoSpace, Space } from '../storage/space.js';
import { Turns } from './turns.js';

/** Lines at once, of all builds: more would only take each other's disk and memory. */
const mostLines = 8;

export type WorkplaceNeeds = Readonly<{
  snapshots: SnapshotRecords;
  layers: Layers;
  /** Aborted when the daemon stops. */
  closing: AbortSignal;
  lineTimeoutMs: number;
  tell: (message: string, error?: unknown) => void;
}>;

/** Work in a new layer: it is on record before it is on disk, has a deadline, and is gone unless all went well. */
export class Workplace {
  private readonly space: Space;
  private readonly turns = new Turns(mostLines);

  constructor(private readonly needs: WorkplaceNeeds) {
    this.space = new Space(needs.layers, needs.tell);
  }

  /** What `work` answers, with its layer; `work` puts the layer on record as sealed, or it is removed. */
  inNewLayer<T>({ doing, givenUp }: Doing, work: (layer: Layer, signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.turns.during(async () => {
      this.needs.closing.throwIfAborted();
      givenUp.throwIfAborted();
      if (await this.space.isShort()) throw diskFull(doing);
      const layer = this.needs.snapshots.openLayer();
      try {
        return await this.bounded({ doing, givenUp }, (signal) => work(layer, signal));
      } catch (error) {
        await this.discard(layer);
        throw error;
      }
    }, givenUp);
  }

  /** The same above a chain, with a root to work in; sealed and kept where `keep` says so. */
  above<T>(doing: Doing, chain: Chain, work: (place: Place) => Promise<void>, keep: (sealed: Sealed) => T): Promise<T> {
    const { layers } = this.needs;
    return this.inNewLayer(doing, async (layer, signal) => {
      await work({ layer, root: await layers.open(layer, chain), signal });
      // A line that was aborted may look like one that ended well: what it left is not whole.
      signal.throwIfAborted();
      const { bytes } = await layers.seal(layer);
      signal.throwIfAborted(); // nobody waits for it any more: kept now, it would belong to nobody
      return keep({ layer, bytes });
    });
  }

  /** The same to look around and keep nothing. */
  async visit(doing: Doing, chain: Chain, work: (place: Place) => Promise<void>): Promise<void> {
    const { layers } = this.needs;
    await this.inNewLayer(doing, async (layer, signal) => {
      await work({ layer, root: await layers.open(layer, chain), signal });
      signal.throwIfAborted();
      await this.discard(layer);
    });
  }

  /** What cannot be removed now keeps its record, and is removed at the next start. */
  async discard(layer: Layer): Promise<void> {
    try {
      await this.needs.layers.removeLayer(layer);
      this.needs.snapshots.forgetLayer(layer);
    } catch (error) {
      this.needs.tell(`cannot remove layer ${layer}: the next start tries again`, error);
    }
  }

  /** A deadline, the end of the daemon, a cancel and a short disk each end the work, and the reason says which it was. */
  private async bounded<T>({ doing, givenUp }: Doing, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { closing, lineTimeoutMs } = this.needs;
    const deadline = AbortSignal.timeout(lineTimeoutMs);
    const over = new AbortController();
    const short = this.space.watch(AbortSignal.any([over.signal, closing]));
    try {
      return await work(AbortSignal.any([closing, givenUp, deadline, short]));
    } catch (error) {
      if (closing.aborted) throw new Problem('unavailable', 'interrupted', { cause: error });
      if (givenUp.aborted) throw new Problem('conflict', 'cancelled', { cause: error });
      if (short.aborted || isNoSpace(error) || (await this.space.isShort())) throw diskFull(doing, error);
      if (deadline.aborted) throw tookTooLong(doing, lineTimeoutMs, error);
      throw error instanceof Problem ? error : this.unexpected(doing, error);
    } finally {
      over.abort();
    }
  }

  private unexpected(doing: string, error: unknown): Problem {
    this.needs.tell(`cannot ${doing}`, error);
    return new Problem('internal', `cannot ${doing}: ${asProblem(error).message}`, { cause: error });
  }
}

/** What is done, after "cannot" in a message; `givenUp` is aborted when nobody wants it any more. */
export type Doing = Readonly<{ doing: string; givenUp: AbortSignal }>;

/** Where a line works. */
export type Place = Readonly<{ layer: Layer; root: string; signal: AbortSignal }>;

export type Sealed = Readonly<{ layer: Layer; bytes: bigint }>;

function tookTooLong(doing: string, ms: number, cause: unknown): Problem {
  const time = ms >= 60_000 ? `${Math.round(ms / 60_000)} minutes` : `${ms / 1_000} seconds`;
  return new Problem('unavailable', `cannot ${doing}: it took longer than ${time}`, { cause });
}
