import type { Sample } from '@berth/con-protocol';

const hourMs = 3_600_000;
/** con's labels follow the wall by a hundredth: an hour of labels holds 36 seconds more than an hour at most. */
const slackMs = 60_000n;
/** Skew is flagged and changes nothing; a day is no skew. */
const aheadMs = 24 * hourMs;
/** How late a journal may still arrive. */
const lateMs = 400 * 24 * hourMs;
/** A million samples of so much still fit a column of 38 digits together. */
const most = 10n ** 32n;
const mostBoots = 2 ** 31;
/** con's own bounds of ids and tags are below; what is longer, no index holds. */
const longest = 200;
/** What no PostgreSQL text holds. */
const nul = /\0/;

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
  if (amounts.some((name) => sample[name] >= most)) return 'an amount is beyond 32 digits';
  if (sample.boot < 0 || sample.boot >= mostBoots) return 'its boot is no number of boots';
  if ([sample.container, sample.tariffTag, sample.state].some(({ length }) => length > longest))
    return 'its id or tag is too long';
  if (nul.test(sample.container + sample.tariffTag + sample.state)) return 'it holds a NUL';
  if (toMs < fromMs) return 'it ends before it begins';
  if (toMs > (Math.floor(fromMs / hourMs) + 1) * hourMs) return 'it goes beyond its hour';
  if (sample.runMs > BigInt(toMs - fromMs) + slackMs) return 'it ran for longer than it lasted';
  if (toMs > nowMs + aheadMs) return 'it lies in the future';
  if (fromMs < nowMs - lateMs) return 'it is more than 400 days old';
  if (resumesMs !== undefined && fromMs < resumesMs) return 'an earlier journal of this host has told of that time';
  return undefined;
}

/** So much can a container have been on in an hour, its labels' slack included. */
const fullHourMs = BigInt(hourMs) + slackMs;

/**
 * When each lease was ordered, and how full its hours are. The same time told again, under another number, is not
 * believed: an hour has an hour.
 */
export class Hours {
  constructor(
    private readonly orderedMs: ReadonlyMap<string, number>,
    private readonly runMs: Map<string, bigint>,
  ) {}

  static key(container: string, from: string): string {
    return `${container} ${Math.floor(Date.parse(from) / hourMs)}`;
  }

  /** Takes a sample in, or says why not. */
  doubt({ container, from, to, runMs }: Sample): string | undefined {
    if (Date.parse(to) < (this.orderedMs.get(container) ?? 0) - aheadMs)
      return 'it lies before its container was ordered';
    const key = Hours.key(container, from);
    const sum = (this.runMs.get(key) ?? 0n) + runMs;
    if (sum > fullHourMs) return 'its hour is full already';
    this.runMs.set(key, sum);
    return undefined;
  }
}
