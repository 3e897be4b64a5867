import { Problem } from '@berth/problem';

type Count = { times: number; until: number };

/**
 * Counts tries by key in a window of time. In memory: each process of site allows its own number, and a restart forgives.
 * Bounded: when many keys are known, the ones whose window has passed go, then the oldest.
 */
export class Throttle {
  private readonly counts = new Map<string, Count>();

  constructor(
    private readonly most: number,
    private readonly windowMs: number,
    private readonly now: () => number = Date.now,
    private readonly capacity = 100_000,
  ) {}

  /** @throws Problem `too_many`, with the seconds to wait. */
  mustAllow(key: string): void {
    const count = this.counts.get(key);
    if (!count || count.until <= this.now() || count.times < this.most) return;
    const seconds = Math.ceil((count.until - this.now()) / 1000);
    throw new Problem('too_many', `cannot try again so soon: wait ${seconds} seconds`, {
      kind: 'too-soon',
      blanks: { seconds },
    });
  }

  add(key: string): void {
    const count = this.counts.get(key);
    if (count && count.until > this.now()) count.times += 1;
    else this.insert(key);
  }

  /** For a try that turned out to be none. */
  takeBack(key: string): void {
    const count = this.counts.get(key);
    if (count) count.times = Math.max(0, count.times - 1);
  }

  forget(key: string): void {
    this.counts.delete(key);
  }

  private insert(key: string): void {
    this.counts.delete(key); // so that the map's order is the order of the windows
    for (const [old, { until }] of this.counts) {
      if (until > this.now() && this.counts.size < this.capacity) break;
      this.counts.delete(old);
    }
    this.counts.set(key, { times: 1, until: this.now() + this.windowMs });
  }
}
