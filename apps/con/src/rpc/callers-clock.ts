import type { Warning } from '../host/host.js';

/** Beyond this somebody's clock is wrong. It is said, and changes no amount. */
const greatestSkewMs = 5_000;
/** A caller whose clock was put right is not held to what it said before. */
const rememberedMs = 60_000;

/** What callers' clocks show, by the `Date` they send (RFC 9110 §6.6.1, whole seconds): those who bill compare theirs with ours. */
export class CallersClock {
  private last: Readonly<{ skewMs: number; atMs: number }> | undefined;

  constructor(private readonly now: () => Date) {}

  hear(date: string | undefined): void {
    const theirs = Date.parse(date ?? '');
    if (Number.isNaN(theirs)) return;
    const atMs = this.now().getTime();
    const skewMs = theirs - atMs;
    // Of several callers the one that is off is remembered: that is who must be seen to.
    if (Math.abs(skewMs) > greatestSkewMs) this.last = { skewMs, atMs };
  }

  warnings(): Warning[] {
    if (!this.last || Math.abs(this.now().getTime() - this.last.atMs) > rememberedMs) return [];
    const seconds = Math.round(Math.abs(this.last.skewMs) / 1000);
    const what = `the clock of a caller is ${seconds} s ${this.last.skewMs > 0 ? 'ahead of' : 'behind'} ours`;
    return [{ what, cure: 'let both follow a time server' }];
  }
}
