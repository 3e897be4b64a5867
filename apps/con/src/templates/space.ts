import { setTimeout as after } from 'node:timers/promises';
import { Problem } from '@berth/problem';
import type { Layers } from '../host/layers.js';

const GiB = 1024n * 1024n * 1024n;

/** A full disk costs containers their data, so builds keep away from its last gibibyte, or its last twentieth where that is less. */
export class Space {
  constructor(
    private readonly layers: Pick<Layers, 'space'>,
    private readonly everyMs = 500,
  ) {}

  async isShort(): Promise<boolean> {
    const { bytes, freeBytes } = await this.layers.space();
    const twentieth = bytes / 20n;
    return freeBytes < (twentieth < GiB ? twentieth : GiB);
  }

  /** Looks again and again while a line runs; resolves true once the disk is short, false once told to stop. */
  async runsShort(stop: AbortSignal): Promise<boolean> {
    while (!stop.aborted) {
      if (await this.isShort()) return true;
      await after(this.everyMs, undefined, { signal: stop, ref: false }).catch((error: unknown) => {
        if (!stop.aborted) throw error;
      });
    }
    return false;
  }
}

export function diskFull(doing: string, cause?: unknown): Problem {
  return new Problem(
    'unavailable',
    `cannot ${doing}: the disk is full; remove templates or containers, or give the host more room`,
    { cause },
  );
}

/** ENOSPC or EDQUOT, at whatever depth it was wrapped. */
export function isNoSpace(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && (at.code === 'ENOSPC' || at.code === 'EDQUOT')) return true;
  }
  return false;
}
