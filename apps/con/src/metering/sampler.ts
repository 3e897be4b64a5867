import { isOn } from '@berth/container';
import type { ParamsOf, ResultOf, Usage } from '@berth/con-protocol';
import type { Clock } from '../containers/clock.js';
import type { Witness } from '../containers/containers.js';
import type { ContainerRecord } from '../containers/record.js';
import type { Records } from '../containers/records.js';
import type { Host } from '../host/host.js';
import type { Reading } from '../host/meter.js';
import type { Traffic } from '../host/net.js';
import { pieces, type Counters, type Held } from './interval.js';
import type { Closed, Journal, OpenInterval } from './journal.js';
import { Labels } from './labels.js';

export type SamplerNeeds = Readonly<{
  host: Pick<Host, 'meter' | 'net' | 'layers'>;
  records: Records;
  journal: Journal;
  clock: Clock;
  instance: string;
  /** Of the host, as it runs now. */
  bootId: string;
  tell: (message: string, error?: unknown) => void;
}>;

const hourMs = 3_600_000;
/** After a longer gap nobody knows what memory was in use: none is charged. */
const longestGapMs = 60_000;
/** A walk of the disk is dear, and what it finds is held until the next. */
const diskEveryMs = 5 * 60_000;
/** Numbers in a list are at most so old. */
const freshMs = 1_000n;

/** An interval that is under way; who began it, this daemon or an earlier one. */
type Running = OpenInterval & Readonly<{ isInherited: boolean }>;

type Moment = Readonly<{ labelMs: number; monotonicMs: bigint }>;

/** What is known of a container at a moment. */
type Seen = Readonly<{
  moment: Moment;
  reading: Reading | undefined;
  traffic: Traffic | undefined;
  lastOfLife: boolean;
}>;

/** Cuts the life of every container into samples: at each transition, at each tick while it is on, at each full hour. */
export class Sampler implements Witness {
  private readonly open = new Map<string, Running>();
  private readonly labels: Labels;
  private readonly diskKnown = new Map<string, { bytes: bigint; atMs: bigint }>();
  private traffic: ReadonlyMap<string, Traffic> = new Map();
  private trafficAtMs: bigint | undefined;
  private trafficReading: Promise<void> | undefined;
  private isTrafficTold = false;
  /** Counts readings of traffic as they are asked for; a life knows which of them came before it. */
  private asked = 0;
  private trafficAsked = 0;
  private readonly limits = new Map<string, string>();
  private readonly bornAfter = new Map<string, number>();
  /** Lives that have ended, until that is on record: what could not be written then is written as it was then. */
  private readonly ends = new Map<string, Seen>();
  private lastUsage: { atMs: bigint; numbers: Promise<ReadonlyMap<string, Usage>> } | undefined;

  constructor(private readonly needs: SamplerNeeds) {
    this.labels = new Labels(needs.clock, needs.bootId, needs.journal.mark());
    for (const interval of needs.journal.open(needs.bootId))
      this.open.set(interval.container, { ...interval, isInherited: true });
  }

  changed(after: ContainerRecord): void {
    const held = this.open.get(after.id);
    const limits = limitsOf(after);
    const isHeldTo = (this.limits.get(after.id) ?? limits) === limits;
    this.limits.set(after.id, limits);
    if (isHeldTo && held?.state === after.state && held.boot === after.boot && held.tariffTag === after.tariffTag)
      return;
    this.cut([after]); // what was counted belongs to the state that ends here
  }

  async leaving(record: ContainerRecord): Promise<void> {
    await this.readTraffic();
    await this.readDisk(record);
    const [now, reading] = [this.needs.records.get(record.id) ?? record, this.readingOf(record)];
    const last = { moment: this.moment(), reading, traffic: this.trafficOf(record), lastOfLife: true };
    this.ends.set(record.id, last);
    this.cut([now], last.moment);
  }

  async weighed(record: ContainerRecord): Promise<void> {
    await this.readDisk(record);
    const now = this.needs.records.get(record.id);
    if (now && this.open.has(record.id)) this.cut([now]); // what it held until now was charged as it was
  }

  /** What was cut within a commit that did not happen was not cut. */
  failed(): void {
    for (const interval of this.needs.journal.open(this.needs.bootId)) {
      const { isInherited = false } = this.open.get(interval.container) ?? {};
      this.open.set(interval.container, { ...interval, isInherited });
    }
  }

  gone(record: ContainerRecord): void {
    const interval = this.open.get(record.id);
    const seen = { moment: this.moment(), reading: undefined, traffic: undefined, lastOfLife: false };
    const closed = interval && this.closed(interval, record, seen);
    this.needs.journal.cut(closed ? [closed] : [], [], this.labels.mark(), [record.id]);
    this.open.delete(record.id);
    this.ends.delete(record.id);
    this.diskKnown.delete(record.id);
    this.bornAfter.delete(record.id);
    this.limits.delete(record.id);
  }

  /** The time by labels: what the clock on the wall says once it has insisted. */
  now(): Date {
    return new Date(this.labels.now());
  }

  /** What is on, and what has not been cut since the hour began. */
  async tick(): Promise<void> {
    await this.readTraffic();
    const hour = Math.floor(this.labels.now() / hourMs) * hourMs;
    const due = [...this.needs.records.all()].filter(
      ({ id, state }) => isOn(state) || this.open.get(id)?.runs || (this.open.get(id)?.fromMs ?? hour) < hour,
    );
    for (const record of due) if (this.isDiskDue(record)) await this.readDisk(record);
    this.cut(due.flatMap(({ id }) => this.needs.records.get(id) ?? []));
  }

  async read({ after = 0n, limit = 1_000, cut = false }: ParamsOf<'usage.read'>): Promise<ResultOf<'usage.read'>> {
    if (cut) {
      await this.readTraffic();
      this.cut([...this.needs.records.all()]);
    }
    const { samples, next, restFromMs } = this.needs.journal.read(after, limit);
    const begun = [...this.open.values()].map(({ fromMs }) => fromMs);
    const completeUntil = Math.min(this.labels.now(), restFromMs ?? Infinity, ...begun);
    return {
      instance: this.needs.instance,
      samples,
      next,
      completeUntil: new Date(completeUntil).toISOString(),
      observedAt: this.needs.clock.now().toISOString(),
    };
  }

  /** The numbers of what runs, at most a second old. */
  async usage(ids: readonly string[]): Promise<Usage[]> {
    const atMs = this.needs.clock.monotonicMs();
    if (!this.lastUsage || atMs - this.lastUsage.atMs > freshMs) this.lastUsage = { atMs, numbers: this.measure() };
    const numbers = await this.lastUsage.numbers;
    return ids.flatMap((id) => {
      const state = this.needs.records.get(id)?.state;
      const one = numbers.get(id);
      return one && state && (isOn(state) || state === 'stopping') ? [one] : [];
    });
  }

  private async measure(): Promise<ReadonlyMap<string, Usage>> {
    if (this.trafficAtMs === undefined || this.needs.clock.monotonicMs() - this.trafficAtMs > freshMs) {
      await this.readTraffic();
    }
    const on = [...this.needs.records.all()].filter(({ state }) => isOn(state) || state === 'stopping');
    const readings = this.needs.host.meter.read(on.map(({ slot }) => slot));
    const numbers = new Map<string, Usage>();
    for (const record of on) {
      const reading = readings.get(record.slot);
      if (!reading?.isAlive) continue;
      const { bytesIn, bytesOut } = this.trafficOf(record) ?? noTraffic;
      const { cpuNanos, memoryBytes } = reading;
      const disk = this.diskKnown.get(record.id);
      const counted = { id: record.id, cpuNanos, memoryBytes, bytesIn, bytesOut };
      numbers.set(record.id, { ...counted, ...(disk ? { diskBytes: disk.bytes } : {}) });
    }
    return numbers;
  }

  /** Ends the open interval of each and begins the next, at one moment for both: no millisecond falls between. */
  private cut(records: readonly ContainerRecord[], moment = this.moment()): void {
    const readings = this.needs.host.meter.read(records.map(({ slot }) => slot));
    const closed: Closed[] = [];
    const begun: OpenInterval[] = [];
    const newLives: ContainerRecord[] = [];
    for (const record of records) {
      const reading = readings.get(record.slot);
      const seen = { moment, reading, traffic: this.trafficOf(record), lastOfLife: false };
      const before = this.ended(record, closed);
      const one = before && this.closed(before, record, seen);
      const isNothing = before !== this.open.get(record.id) && before?.sinceMs === moment.monotonicMs;
      if (one && !isNothing) closed.push(one);
      const sameLife = one && one.interval.boot === record.boot;
      const held = this.heldBy(record, reading?.memoryBytes ?? 0n);
      if (!sameLife) newLives.push(record);
      // What a stop that failed left running has been counted already.
      const counters = sameLife ? one.after : { ...noCounters, cpuNanos: reading?.cpuNanos ?? 0n };
      const runs = isOn(record.state) || (record.state === 'stopping' && before?.runs === true);
      begun.push(this.begin(record, moment, { counters, held, runs }));
    }
    this.needs.journal.cut(closed, begun, this.labels.mark());
    // Only now: on a full disk the intervals before go on, and nothing of them is lost.
    for (const interval of begun) this.open.set(interval.container, { ...interval, isInherited: false });
    for (const { id } of newLives) this.bornAfter.set(id, this.asked);
    for (const { id } of records) this.ends.delete(id);
  }

  /** The open interval of a container; where its life has ended meanwhile, what is left of it after that end. */
  private ended(record: ContainerRecord, closed: Closed[]): Running | undefined {
    const [interval, end] = [this.open.get(record.id), this.ends.get(record.id)];
    if (!interval || !end) return interval;
    const last = this.closed(interval, record, end);
    closed.push(last);
    const held = { ...interval.held, memoryBytes: 0n };
    const { labelMs: fromMs, monotonicMs: sinceMs } = end.moment;
    return { ...interval, fromMs, sinceMs, counters: last.after, held, runs: false, isInherited: false };
  }

  /**
   * An open interval, ended at the moment that something was seen of the container. Counters are those of a life: what
   * another hand or the next life left under the same address is not this one's.
   */
  private closed(
    interval: Running,
    record: ContainerRecord,
    { moment: { labelMs, monotonicMs }, reading, traffic, lastOfLife }: Seen,
  ): Closed {
    const { fromMs, held, counters, isInherited } = interval;
    const counts = interval.runs || lastOfLife;
    const { bytesIn, bytesOut } = (counts ? traffic : undefined) ?? counters;
    const after = { cpuNanos: (counts ? reading?.cpuNanos : undefined) ?? counters.cpuNanos, bytesIn, bytesOut };
    const toMs = Math.max(fromMs, labelMs);
    const common = { fromMs, toMs, before: counters, after };
    const ms = interval.sinceMs === undefined ? BigInt(toMs - fromMs) : monotonicMs - interval.sinceMs;
    if (!isInherited) return { interval, after, pieces: pieces({ ...common, runs: interval.runs, ms, held }) };
    // An earlier daemon began it. Only what still runs is known to have run all the while.
    const across = acrossGap(held, ms, reading?.memoryBytes ?? 0n);
    const startedMs = interval.state === 'starting' && reading?.isAlive ? record.startedAt?.getTime() : undefined;
    if (startedMs === undefined) {
      const runs = interval.runs && reading?.isAlive === true;
      return { interval, after, pieces: pieces({ ...common, runs, ms, held: across }) };
    }
    // It was starting when that daemon ended, and the host shows since when it runs.
    const byLabel = startedMs + labelMs - this.needs.clock.now().getTime();
    const bornMs = Math.min(toMs, Math.max(fromMs, byLabel));
    const waitedMs = least(ms, BigInt(bornMs - fromMs));
    const waited = { ...common, toMs: bornMs, after: counters, runs: false, ms: waitedMs };
    const ran = { ...common, fromMs: bornMs, runs: true, ms: ms - waitedMs };
    const parts = [...pieces({ ...waited, held: across }), ...pieces({ ...ran, held: across })];
    return { interval: { ...interval, state: 'running' }, after, pieces: parts };
  }

  private begin(
    record: ContainerRecord,
    { labelMs, monotonicMs }: Moment,
    now: Pick<OpenInterval, 'counters' | 'held' | 'runs'>,
  ): OpenInterval {
    const { id: container, boot, tariffTag, state } = record;
    return { container, boot, tariffTag, state, fromMs: labelMs, sinceMs: monotonicMs, ...now };
  }

  private moment(): Moment {
    const { labelMs, monotonicMs } = this.labels.mark();
    return { labelMs, monotonicMs };
  }

  private heldBy({ id }: ContainerRecord, memoryBytes: bigint): Held {
    return { memoryBytes, diskBytes: this.diskKnown.get(id)?.bytes ?? this.open.get(id)?.held.diskBytes ?? 0n };
  }

  /** Only a reading that was asked for within this life: an address may have served the life before. */
  private trafficOf({ id, address }: ContainerRecord): Traffic | undefined {
    return this.trafficAsked > (this.bornAfter.get(id) ?? 0) ? this.traffic.get(address) : undefined;
  }

  /** Readings go one after another, so that an older one never takes the place of a newer. */
  private readTraffic(): Promise<void> {
    const before = this.trafficReading ?? Promise.resolve();
    const mine = before
      .then(async () => {
        const asked = ++this.asked;
        this.traffic = await this.needs.host.net.traffic();
        this.trafficAsked = asked;
        this.trafficAtMs = this.needs.clock.monotonicMs();
      })
      // Time, CPU and memory are measured all the same; what passed meanwhile is counted once it can be read again.
      .then(
        () => (this.isTrafficTold = false),
        (error: unknown) => {
          if (!this.isTrafficTold) this.needs.tell('cannot read the traffic of containers', error);
          this.isTrafficTold = true;
        },
      )
      .then(() => undefined);
    this.trafficReading = mine;
    return mine;
  }

  private readingOf({ slot }: ContainerRecord): Reading | undefined {
    return this.needs.host.meter.read([slot]).get(slot);
  }

  private isDiskDue({ id }: ContainerRecord): boolean {
    const known = this.diskKnown.get(id);
    return !known || this.needs.clock.monotonicMs() - known.atMs > BigInt(diskEveryMs);
  }

  /** A walk that fails keeps the figure before: disk is then charged as it was. */
  private async readDisk({ id, slot, name }: ContainerRecord): Promise<void> {
    const atMs = this.needs.clock.monotonicMs();
    try {
      const { ownBytes, momentsBytes } = await this.needs.host.layers.volumeBytes(slot);
      this.diskKnown.set(id, { bytes: ownBytes + momentsBytes, atMs });
    } catch (error) {
      this.needs.tell(`cannot measure the disk of ${name}`, error);
    }
  }
}

const noTraffic: Traffic = { bytesIn: 0n, bytesOut: 0n };
const noCounters: Counters = { cpuNanos: 0n, bytesIn: 0n, bytesOut: 0n };

/** While con was down: memory at the smaller of both ends, or none after a long gap. */
function acrossGap({ memoryBytes, diskBytes }: Held, ms: bigint, nowBytes: bigint): Held {
  if (ms > BigInt(longestGapMs)) return { memoryBytes: 0n, diskBytes };
  return { memoryBytes: nowBytes < memoryBytes ? nowBytes : memoryBytes, diskBytes };
}

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}

function limitsOf({ limits: { memoryBytes, cpuMillis, pids } }: ContainerRecord): string {
  return `${memoryBytes} ${cpuMillis} ${pids}`;
}
