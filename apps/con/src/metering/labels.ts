import type { Clock } from '../containers/clock.js';

/** Where labels stood at a moment of the host's monotonic clock, within one boot of the host. */
export type Mark = Readonly<{ bootId: string; monotonicMs: bigint; labelMs: number }>;

/** Labels follow the wall by one part in so many: an hour of labels holds 36 seconds more or less than an hour. */
const slew = 100;
/** By so much the wall may be ahead before labels step. */
const smallMs = 1_000;
const longestDoubtMs = 3_600_000;

/**
 * The times that samples bear. They pass as the monotonic clock does, across lives of the daemon, and follow the wall
 * gently: backwards they only slow down, so that no hour is told twice; forwards they step, once the wall has insisted
 * for as long as the step (an hour at most). A clock that is set wrong for a moment leaves no trace, and one that is set
 * right makes nobody's seconds more or fewer.
 */
export class Labels {
  private monotonicMs: bigint;
  private labelMs: number;
  private aheadSinceMs: bigint | undefined;

  /** @param mark of an earlier daemon, where there was one. After a boot of the host labels go on from where they stood. */
  constructor(
    private readonly clock: Clock,
    private readonly bootId: string,
    mark: Mark | undefined,
  ) {
    this.monotonicMs = mark?.bootId === bootId ? mark.monotonicMs : clock.monotonicMs();
    this.labelMs = mark?.labelMs ?? clock.now().getTime();
  }

  /** Milliseconds since 1970; never less than before. */
  now(): number {
    const monotonicMs = this.clock.monotonicMs();
    const passedMs = Number(monotonicMs - this.monotonicMs);
    this.monotonicMs = monotonicMs;
    this.labelMs += passedMs;
    const aheadMs = this.clock.now().getTime() - this.labelMs;
    this.labelMs += Math.max(-passedMs / slew, Math.min(passedMs / slew, aheadMs));
    this.stepWhereDue(aheadMs);
    return Math.floor(this.labelMs);
  }

  mark(): Mark {
    const labelMs = this.now();
    return { bootId: this.bootId, monotonicMs: this.monotonicMs, labelMs };
  }

  private stepWhereDue(aheadMs: number): void {
    if (aheadMs <= smallMs) {
      this.aheadSinceMs = undefined;
      return;
    }
    this.aheadSinceMs ??= this.monotonicMs;
    const insistedMs = Number(this.monotonicMs - this.aheadSinceMs);
    if (insistedMs < Math.min(aheadMs, longestDoubtMs)) return;
    this.labelMs = this.clock.now().getTime();
    this.aheadSinceMs = undefined;
  }
}
