import type { DatabaseSync } from 'node:sqlite';
import { goOnAbove, migrate } from '../database.js';
import type { Moment } from '../host/layers.js';

const steps = [
  `create table kept_snapshot (
    -- The host's number for it; one that was ever given is never given again.
    moment integer primary key autoincrement,
    container text not null,
    id text not null,
    -- What was asked for, so that the same id with other values is seen.
    asked text not null,
    name text,
    state text not null check (state in ('keeping', 'kept', 'removing', 'failed')),
    created_at integer not null,
    expires_at integer,
    size_bytes integer,
    reason text,
    gone_at integer,
    unique (container, id)
  ) strict;
  create index kept_snapshot_expiry on kept_snapshot (expires_at) where gone_at is null;`,
];

export type SnapshotState = 'keeping' | 'kept' | 'removing' | 'failed';

/** A kept state of a container's volume, by whatever state it is in itself. */
export type SnapshotRecord = Readonly<{
  moment: Moment;
  container: string;
  id: string;
  asked: string;
  name?: string;
  state: SnapshotState;
  createdAt: Date;
  expiresAt?: Date;
  sizeBytes?: bigint;
  reason?: string;
}>;

export type NewSnapshot = Pick<SnapshotRecord, 'container' | 'id' | 'asked' | 'name' | 'createdAt' | 'expiresAt'>;

/** Snapshots of containers on disk. One that is gone keeps its row, because its id is never used again. */
export class SnapshotRecords {
  constructor(private readonly database: DatabaseSync) {
    migrate(database, 'snapshots', steps);
  }

  /** It is `keeping` then. */
  add({ container, id, asked, name, createdAt, expiresAt }: NewSnapshot): SnapshotRecord {
    this.database
      .prepare(
        `insert into kept_snapshot (container, id, asked, name, state, created_at, expires_at)
         values (?, ?, ?, ?, 'keeping', ?, ?)`,
      )
      .run(container, id, asked, name ?? null, createdAt.getTime(), expiresAt?.getTime() ?? null);
    const added = this.find(container, id);
    if (!added || added === 'gone') throw new Error(`cannot find the snapshot ${id} that was just added`);
    return added;
  }

  /** One that a volume tells of, whose record was lost; one that is known stays as it is. */
  takeIn(
    container: string,
    one: Readonly<{
      moment: Moment;
      id: string;
      asked: string;
      name?: string | undefined;
      createdAt: number;
      expiresAt?: number | undefined;
      sizeBytes?: string | undefined;
    }>,
  ): void {
    this.database
      .prepare(
        `insert into kept_snapshot (moment, container, id, asked, name, state, created_at, expires_at, size_bytes)
         values (?, ?, ?, ?, ?, 'kept', ?, ?, ?) on conflict do nothing`,
      )
      .run(
        ...[one.moment, container, one.id, one.asked, one.name ?? null, one.createdAt, one.expiresAt ?? null],
        one.sizeBytes === undefined ? null : BigInt(one.sizeBytes),
      );
  }

  /** Numbers of what is on the disk are given to nothing else, whether they are on record or not. */
  keepFrom(moments: readonly Moment[]): void {
    goOnAbove(this.database, 'kept_snapshot', moments);
  }

  /** Whether it was ever a snapshot of ours, gone or not. */
  wasGiven(moment: Moment): boolean {
    return this.database.prepare('select 1 from kept_snapshot where moment = ?').get(moment) !== undefined;
  }

  find(container: string, id: string): SnapshotRecord | 'gone' | undefined {
    const row = this.database
      .prepare('select * from kept_snapshot where container = ? and id = ?')
      .get(container, id) as Row | undefined;
    if (!row) return undefined;
    return row.gone_at === null ? recordOf(row) : 'gone';
  }

  at(moment: Moment): SnapshotRecord | undefined {
    const row = this.database
      .prepare('select * from kept_snapshot where moment = ? and gone_at is null')
      .get(moment) as Row | undefined;
    return row && recordOf(row);
  }

  /** Of one container, or of all; the oldest first. */
  list(container?: string): SnapshotRecord[] {
    const rows = this.database
      .prepare('select * from kept_snapshot where gone_at is null and (? is null or container = ?) order by moment')
      .all(container ?? null, container ?? null) as Row[];
    return rows.map(recordOf);
  }

  due(now: Date): SnapshotRecord[] {
    const rows = this.database
      .prepare(`select * from kept_snapshot where gone_at is null and expires_at <= ? order by moment`)
      .all(now.getTime()) as Row[];
    return rows.map(recordOf);
  }

  change(moment: Moment, { state, sizeBytes, reason }: Pick<SnapshotRecord, 'state' | 'sizeBytes' | 'reason'>): void {
    this.database
      .prepare(
        `update kept_snapshot set state = ?, size_bytes = coalesce(?, size_bytes), reason = ?
         where moment = ? and gone_at is null`,
      )
      .run(state, sizeBytes ?? null, reason ?? null, moment);
  }

  gone(moment: Moment, now: Date): void {
    this.database.prepare('update kept_snapshot set gone_at = ? where moment = ?').run(now.getTime(), moment);
  }

  /** All of a container that is destroyed. */
  goneWith(container: string, now: Date): void {
    this.database
      .prepare('update kept_snapshot set gone_at = ? where container = ? and gone_at is null')
      .run(now.getTime(), container);
  }
}

type Row = Readonly<{
  moment: bigint;
  container: string;
  id: string;
  asked: string;
  name: string | null;
  state: SnapshotState;
  created_at: bigint;
  expires_at: bigint | null;
  size_bytes: bigint | null;
  reason: string | null;
  gone_at: bigint | null;
}>;

function recordOf(row: Row): SnapshotRecord {
  return {
    moment: Number(row.moment),
    container: row.container,
    id: row.id,
    asked: row.asked,
    state: row.state,
    createdAt: new Date(Number(row.created_at)),
    ...(row.name === null ? {} : { name: row.name }),
    ...(row.expires_at === null ? {} : { expiresAt: new Date(Number(row.expires_at)) }),
    ...(row.size_bytes === null ? {} : { sizeBytes: row.size_bytes }),
    ...(row.reason === null ? {} : { reason: row.reason }),
  };
}
