import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { State } from '@berth/container';
import type { Sample } from '@berth/con-protocol';
import { migrate, transact } from '../database.js';
import type { Counters, Held, Piece } from './interval.js';
import type { Mark } from './labels.js';

const steps = [
  `create table sample (
    seq integer primary key autoincrement,
    container text not null,
    boot integer not null,
    tariff_tag text not null,
    state text not null,
    from_ms integer not null,
    to_ms integer not null,
    -- Decimal text: byte-seconds of a large container pass 2⁶³ within months.
    run_ms text not null,
    cpu_nanos text not null,
    memory_byte_seconds text not null,
    disk_byte_seconds text not null,
    bytes_in text not null,
    bytes_out text not null,
    cpu_total_nanos text not null,
    bytes_in_total text not null,
    bytes_out_total text not null
  ) strict;
  create table open_interval (
    container text primary key,
    boot integer not null,
    tariff_tag text not null,
    state text not null,
    from_ms integer not null,
    memory_bytes text not null,
    disk_bytes text not null,
    cpu_nanos text not null,
    bytes_in text not null,
    bytes_out text not null
  ) strict;`,
  `alter table open_interval add column since_ms integer;
  alter table open_interval add column runs integer not null default 0;
  update open_interval set runs = 1 where state in ('running', 'frozen');
  create table label (
    one integer primary key check (one = 1),
    boot_id text not null,
    monotonic_ms integer not null,
    slept_ms integer not null,
    label_ms integer not null,
    floor_ms integer
  ) strict;`,
];

/** An interval that has begun and not ended: what the next cut starts from, a daemon later if need be. */
export type OpenInterval = Readonly<{
  container: string;
  boot: number;
  tariffTag: string;
  state: State;
  /** Processes exist: it is on, or was and is stopping. */
  runs: boolean;
  fromMs: number;
  /** By the host's monotonic clock; absent where the host was restarted since. */
  sinceMs?: bigint;
  held: Held;
  counters: Counters;
}>;

export type Closed = Readonly<{ interval: OpenInterval; pieces: readonly Piece[]; after: Counters }>;

/** The journal: samples under a growing number, on disk before anybody is told of them, and never changed. */
export class Journal {
  /** Prepared once: a sweep of a thousand containers runs each a thousand times. */
  private readonly addition: StatementSync;
  private readonly beginning: StatementSync;
  private readonly marking: StatementSync;

  constructor(private readonly database: DatabaseSync) {
    migrate(database, 'metering', steps);
    this.addition = database.prepare(
      `insert into sample (container, boot, tariff_tag, state, from_ms, to_ms, run_ms, cpu_nanos, memory_byte_seconds,
         disk_byte_seconds, bytes_in, bytes_out, cpu_total_nanos, bytes_in_total, bytes_out_total)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.beginning = database.prepare(
      'insert or replace into open_interval values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.marking = database.prepare('insert or replace into label values (1, ?, ?, ?, ?, ?)');
  }

  /** Ends intervals and begins the next ones in one commit: what was measured is neither lost nor counted twice. */
  cut(closed: readonly Closed[], begun: readonly OpenInterval[], mark: Mark, ended: readonly string[] = []): void {
    if (closed.length + begun.length + ended.length === 0) return;
    transact(this.database, () => {
      for (const one of closed) for (const piece of one.pieces) this.add(one, piece);
      for (const interval of begun) this.begin(interval);
      for (const container of ended)
        this.database.prepare('delete from open_interval where container = ?').run(container);
      const { bootId, monotonicMs, sleptMs, labelMs, floorMs } = mark;
      this.marking.run(bootId, monotonicMs, Math.round(sleptMs), labelMs, floorMs ?? null);
    });
  }

  /** Where labels stood at the last cut. */
  mark(): Mark | undefined {
    const row = this.database.prepare('select * from label').get() as LabelRow | undefined;
    return (
      row && {
        bootId: row.boot_id,
        monotonicMs: row.monotonic_ms,
        sleptMs: Number(row.slept_ms),
        labelMs: Number(row.label_ms),
        ...(row.floor_ms === null ? {} : { floorMs: Number(row.floor_ms) }),
      }
    );
  }

  /** @param bootId of the host as it runs now: monotonic times of another boot mean nothing. */
  open(bootId: string): OpenInterval[] {
    const isSameBoot = this.mark()?.bootId === bootId;
    return (this.database.prepare('select * from open_interval').all() as OpenRow[]).map((row) => ({
      container: row.container,
      boot: Number(row.boot),
      tariffTag: row.tariff_tag,
      state: row.state as State,
      runs: row.runs !== 0n,
      fromMs: Number(row.from_ms),
      ...(isSameBoot && row.since_ms !== null ? { sinceMs: row.since_ms } : {}),
      held: { memoryBytes: BigInt(row.memory_bytes), diskBytes: BigInt(row.disk_bytes) },
      counters: { cpuNanos: BigInt(row.cpu_nanos), bytesIn: BigInt(row.bytes_in), bytesOut: BigInt(row.bytes_out) },
    }));
  }

  /** At most `limit` samples after a number; `restFromMs` is the earliest beginning among those that did not fit. */
  read(after: bigint, limit: number): { samples: Sample[]; next: bigint; restFromMs: number | undefined } {
    const rows = this.database
      .prepare('select * from sample where seq > ? order by seq limit ?')
      .all(after, limit) as SampleRow[];
    const next = rows.at(-1)?.seq ?? after;
    const { rest } = this.database.prepare('select min(from_ms) as rest from sample where seq > ?').get(next) as {
      rest: bigint | null;
    };
    return { samples: rows.map(sampleOf), next, restFromMs: rest === null ? undefined : Number(rest) };
  }

  private add({ interval, after }: Closed, { fromMs, toMs, deltas }: Piece): void {
    this.addition.run(
      ...[interval.container, interval.boot, interval.tariffTag, interval.state, fromMs, toMs],
      ...[deltas.runMs, deltas.cpuNanos, deltas.memoryByteSeconds, deltas.diskByteSeconds].map(String),
      ...[deltas.bytesIn, deltas.bytesOut, after.cpuNanos, after.bytesIn, after.bytesOut].map(String),
    );
  }

  private begin({ container, boot, tariffTag, state, runs, fromMs, sinceMs, held, counters }: OpenInterval): void {
    this.beginning.run(
      ...[container, boot, tariffTag, state, fromMs],
      ...[held.memoryBytes, held.diskBytes, counters.cpuNanos, counters.bytesIn, counters.bytesOut].map(String),
      sinceMs ?? null,
      runs ? 1 : 0,
    );
  }
}

type LabelRow = Readonly<{
  boot_id: string;
  monotonic_ms: bigint;
  slept_ms: bigint;
  label_ms: bigint;
  floor_ms: bigint | null;
}>;

type OpenRow = Readonly<{
  container: string;
  boot: bigint;
  tariff_tag: string;
  state: string;
  from_ms: bigint;
  memory_bytes: string;
  disk_bytes: string;
  cpu_nanos: string;
  bytes_in: string;
  bytes_out: string;
  since_ms: bigint | null;
  runs: bigint;
}>;

type SampleRow = Readonly<{
  seq: bigint;
  container: string;
  boot: bigint;
  tariff_tag: string;
  state: string;
  from_ms: bigint;
  to_ms: bigint;
  run_ms: string;
  cpu_nanos: string;
  memory_byte_seconds: string;
  disk_byte_seconds: string;
  bytes_in: string;
  bytes_out: string;
  cpu_total_nanos: string;
  bytes_in_total: string;
  bytes_out_total: string;
}>;

function sampleOf(row: SampleRow): Sample {
  return {
    seq: row.seq,
    container: row.container,
    boot: Number(row.boot),
    tariffTag: row.tariff_tag,
    state: row.state as State,
    from: new Date(Number(row.from_ms)).toISOString(),
    to: new Date(Number(row.to_ms)).toISOString(),
    runMs: BigInt(row.run_ms),
    cpuNanos: BigInt(row.cpu_nanos),
    memoryByteSeconds: BigInt(row.memory_byte_seconds),
    diskByteSeconds: BigInt(row.disk_byte_seconds),
    bytesIn: BigInt(row.bytes_in),
    bytesOut: BigInt(row.bytes_out),
    cpuTotalNanos: BigInt(row.cpu_total_nanos),
    bytesInTotal: BigInt(row.bytes_in_total),
    bytesOutTotal: BigInt(row.bytes_out_total),
  };
}
