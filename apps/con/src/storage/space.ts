import { setTimeout as after } from 'node:timers/promises';
import { Problem } from '@berth/problem';
import type { Layers } from '../host/layers.js';

const GiB = 1024n * 1024n * 1024n;

/** How often a line's disk is looked at; a look is one statfs. */
const everyMs = 500;

/** A full disk costs containers their data: its last gibibyte, or its last twentieth where that is less, is left to what runs. */
export class Space {
  constructor(
    private readonly layers: Pick<Layers, 'space' | 'hold'>,
    private readonly tell: (message: string, error?: unknown) => void,
  ) {}

  async isShort(): Promise<boolean> {
    return (await this.share()) < 1;
  }

  /**
   * Holds every volume to what it has once half of that is gone, until all of it is there again. A disk of a container is
   * a sparse file: on a full host its file system would lose what it was told to write (EIO). Held, it is full
   * inside, which programs know how to take.
   */
  async guard(): Promise<void> {
    const share = await this.share();
    if (share < 0.5 || share >= 1) await this.layers.hold(share < 0.5);
  }

  /** How much is left of what is left to what runs: 1 and above is enough. */
  private async share(): Promise<number> {
    const { bytes, freeBytes } = await this.layers.space();
    const twentieth = bytes / 20n;
    return Number(freeBytes) / Number(twentieth < GiB ? twentieth : GiB);
  }

  /** @throws Problem `unavailable` where something new would have to live on what is left to what runs. */
  async mustSuffice(doing: string): Promise<void> {
    if (await this.isShort()) throw diskFull(doing);
  }

  /** Aborted once the disk is short; looks no further once told to stop. */
  watch(stop: AbortSignal): AbortSignal {
    const short = new AbortController();
    const look = async (): Promise<void> => {
      while (!stop.aborted) {
        if (await this.isShort()) return short.abort();
        await after(everyMs, undefined, { signal: stop, ref: false });
      }
    };
    look().catch((error: unknown) => {
      if (!stop.aborted) this.tell('cannot watch the disk while a line runs', error);
    });
    return short.signal;
  }
}

export function diskFull(doing: string, cause?: unknown): Problem {
  const cure = 'remove templates or containers, or give the host more room';
  return new Problem('unavailable', `cannot ${doing}: the disk is full; ${cure}`, { cause });
}

/** ENOSPC or EDQUOT, at whatever depth it was wrapped. */
export function isNoSpace(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && (at.code === 'ENOSPC' || at.code === 'EDQUOT')) return true;
  }
  return false;
}
