import type { Sample } from '@berth/con-protocol';

const hourMs = 3_600_000;
/** While a clock is set back, con's labels stand still and its seconds go on: a sample may outlast its labels by a few ticks. */
const slackMs = 60_000n;
/** Skew is flagged and changes nothing; a day is no skew. */
const aheadMs = 24 * hourMs;
/** How late a journal may still arrive. */
const lateMs = 400 * 24 * hourMs;
/** The widest amount that our columns hold. */
const most = 10n ** 38n;

const amounts = ['runMs', 'cpuNanos', 'memoryByteSeconds', 'diskByteSeconds', 'bytesIn', 'bytesOut'] as const;

type Known = Readonly<{
  nowMs: number;
  /** Where an earlier journal of that host ended, if there was one. */
  resumesMs: number | undefined;
}>;

/**
 * Why a sample cannot be what it says, if so. A host that is broken or taken over may say anything; what nobody can have
 * used is nobody's to pay, and is kept for a person to look at.
 */
export function doubt(sample: Sample, { nowMs, resumesMs }: Known): string | undefined {
  const [fromMs, toMs] = [Date.parse(sample.from), Date.parse(sample.to)];
  if (amounts.some((name) => sample[name] < 0n)) return 'an amount is negative';
  if (amounts.some((name) => sample[name] >= most)) return 'an amount is beyond 38 digits';
  if (toMs < fromMs) return 'it ends before it begins';
  if (toMs > (Math.floor(fromMs / hourMs) + 1) * hourMs) return 'it goes beyond its hour';
  if (sample.runMs > BigInt(toMs - fromMs) + slackMs) return 'it ran for longer than it lasted';
  if (toMs > nowMs + aheadMs) return 'it lies in the future';
  if (fromMs < nowMs - lateMs) return 'it is more than 400 days old';
  if (resumesMs !== undefined && fromMs < resumesMs) return 'an earlier journal of this host has told of that time';
  return undefined;
}
