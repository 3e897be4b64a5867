import type { Clock } from '../containers/clock.js';

/** Where labels stood at a moment of the host's monotonic clock, within one boot of the host. */
export type Mark = Readonly<{
  bootId: string;
  monotonicMs: bigint;
  /** How long the host has slept in that boot. */
  sleptMs: number;
  labelMs: number;
  /** Where labels stood before a step that is not confirmed yet: so far they may step back. */
  floorMs?: number;
}>;

/** Labels follow the wall by one part in so many: an hour of labels holds 36 seconds more or less than an hour. */
const slew = 100;
/** By so much labels and the wall may differ. */
const smallMs = 1_000;
/** What the wall says for so long is believed. */
const longestDoubtMs = 600_000;
/** A host that was off for longer may as well have lost its clock. */
const longestAwayMs = 30 * 86_400_000;

/**
 * The times that samples bear. They pass as the monotonic clock does, across lives of the daemon, so that a clock that is
 * set makes nobody's seconds more or fewer, and one that is wrong for a moment leaves no trace:
 *
 * - They follow the wall gently, and step to it once it has insisted. Back they step only from a step that has not been
 *   confirmed; from times that were lived they only slow down, so that no hour is told twice.
 * - Where the host slept or was restarted, the time in between is over at once.
 */
export class Labels {
  private monotonicMs: bigint;
  private sleptMs: number;
  private labelMs: number;
  private floorMs: number | undefined;
  private agreesSinceMs: bigint | undefined;
  private differsSinceMs: bigint | undefined;

  /** @param mark of an earlier daemon, where there was one. */
  constructor(
    private readonly clock: Clock,
    private readonly bootId: string,
    mark: Mark | undefined,
  ) {
    const isSameBoot = mark?.bootId === bootId;
    const wallMs = clock.now().getTime();
    this.monotonicMs = isSameBoot ? mark.monotonicMs : clock.monotonicMs();
    this.sleptMs = isSameBoot ? mark.sleptMs : clock.sleptMs();
    this.labelMs = mark && (isSameBoot || wallMs > mark.labelMs + longestAwayMs) ? mark.labelMs : wallMs;
    if (mark && this.labelMs < mark.labelMs) this.labelMs = mark.labelMs;
    this.floorMs = isSameBoot ? mark.floorMs : (mark?.labelMs ?? 0);
  }

  /** Milliseconds since 1970. */
  now(): number {
    const monotonicMs = this.clock.monotonicMs();
    const passedMs = Number(monotonicMs - this.monotonicMs);
    this.monotonicMs = monotonicMs;
    this.labelMs += passedMs + this.sleep();
    const aheadMs = this.clock.now().getTime() - this.labelMs;
    this.labelMs += Math.max(-passedMs / slew, Math.min(passedMs / slew, aheadMs));
    if (Math.abs(aheadMs) <= smallMs) this.agree();
    else this.differ(aheadMs);
    return Math.floor(this.labelMs);
  }

  mark(): Mark {
    const labelMs = this.now();
    const { bootId, monotonicMs, sleptMs, floorMs } = this;
    return { bootId, monotonicMs, sleptMs, labelMs, ...(floorMs === undefined ? {} : { floorMs }) };
  }

  /** What the two clocks of the kernel, read one after another, differ by is no sleep. */
  private sleep(): number {
    const sleptMs = this.clock.sleptMs() - this.sleptMs;
    if (sleptMs < smallMs) return 0;
    this.sleptMs += sleptMs;
    return sleptMs;
  }

  private agree(): void {
    this.differsSinceMs = undefined;
    this.agreesSinceMs ??= this.monotonicMs;
    if (Number(this.monotonicMs - this.agreesSinceMs) >= longestDoubtMs) this.floorMs = undefined;
  }

  private differ(aheadMs: number): void {
    this.agreesSinceMs = undefined;
    this.differsSinceMs ??= this.monotonicMs;
    const wallMs = this.clock.now().getTime();
    const insistedMs = Number(this.monotonicMs - this.differsSinceMs);
    if (insistedMs < Math.min(Math.abs(aheadMs), longestDoubtMs)) return;
    if (aheadMs < 0 && (this.floorMs === undefined || wallMs < this.floorMs)) return;
    if (aheadMs > 0) this.floorMs = Math.floor(this.labelMs);
    this.labelMs = wallMs;
    this.differsSinceMs = undefined;
  }
}
