import type { Sample } from '@berth/con-protocol';
import type { Journal, Page } from '../src/metering/journal.js';

/** A con's journal in memory: what the real one answers, without a host. */
export class ConJournal {
  readonly samples: Sample[] = [];
  instance = 'first';
  completeUntil = new Date(0).toISOString();
  /** Samples that `cut` makes, as con samples every container when it is asked to. */
  onCut: () => void = () => undefined;
  asked: { after?: bigint | undefined; cut?: boolean | undefined }[] = [];

  constructor(readonly host = 'one') {}

  add(part: Partial<Sample> & Pick<Sample, 'container' | 'from' | 'to'>): Sample {
    const sample: Sample = {
      seq: BigInt(this.samples.length + 1),
      boot: 1,
      tariffTag: 'demo:small',
      state: 'running',
      runMs: BigInt(Date.parse(part.to) - Date.parse(part.from)),
      cpuNanos: 0n,
      memoryByteSeconds: 0n,
      diskByteSeconds: 0n,
      bytesIn: 0n,
      bytesOut: 0n,
      cpuTotalNanos: 0n,
      bytesInTotal: 0n,
      bytesOutTotal: 0n,
      ...part,
    };
    this.samples.push(sample);
    return sample;
  }

  /** Everything up to here was told. */
  closeAt(instant: string): this {
    this.completeUntil = instant;
    return this;
  }

  get journal(): Journal {
    return {
      host: this.host,
      read: async ({ after = 0n, limit = 1_000, cut }): Promise<Page> => {
        this.asked.push({ after, cut });
        if (cut) this.onCut();
        const samples = this.samples.filter(({ seq }) => seq > after).slice(0, limit);
        return {
          instance: this.instance,
          samples,
          next: samples.at(-1)?.seq ?? after,
          completeUntil: this.completeUntil,
          observedAt: new Date().toISOString(),
        };
      },
    };
  }
}

/** `at('10:00', 90)` is 90 s after ten, UTC, of a day without surprises. */
export function at(clock: string, seconds = 0, day = '2026-11-10'): string {
  return new Date(Date.parse(`${day}T${clock}:00Z`) + seconds * 1_000).toISOString();
}
