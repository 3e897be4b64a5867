import type { DatabaseSync } from 'node:sqlite';
import type { Forward } from '@berth/con-protocol';
import type { State } from '@berth/container';
import { migrate, transact } from '../database.js';
import type { Change, ContainerRecord, Hosts, RecordedGrants } from './record.js';

const steps = [
  `create table container (
    id text primary key,
    slot integer not null,
    name text not null,
    owner text not null,
    range integer not null,
    template_name text not null,
    template_version text not null,
    snapshot text not null,
    address text not null,
    forwards text not null,
    memory_bytes integer not null,
    cpu_millis integer not null,
    pids integer not null,
    tariff_tag text not null,
    secret text not null,
    environment text not null,
    state text not null,
    since integer not null,
    reason text,
    created_at integer not null,
    trashed_until integer,
    boot integer not null default 0,
    started_at integer,
    -- What was asked for, so that the same id with other values is seen.
    asked text not null,
    gone_at integer
  ) strict;
  create unique index container_slot on container (slot) where gone_at is null;
  create unique index container_name on container (owner, name) where gone_at is null;`,
  'alter table container add column again integer not null default 0',
  "alter table container add column grants text not null default '{}'",
  "alter table container add column hosts text not null default '{}'",
  'alter table container add column restoring integer',
  'alter table container add column copy_of text',
  `alter table container add column disk_bytes integer not null default ${10 * 1024 ** 3}`,
];

/**
 * Containers on disk and, for reading, in memory: a list of a thousand must cost no query. A container that is gone
 * keeps its row, because an id that ever existed is never used again.
 */
export class Records {
  private live = new Map<string, ContainerRecord>();
  private bySlot = new Map<number, string>();
  private changes = 0;

  constructor(private readonly database: DatabaseSync) {
    migrate(database, 'containers', steps);
    for (const row of database.prepare('select * from container where gone_at is null').all() as Row[]) {
      this.keep(recordOf(row));
    }
  }

  /** Grows with every change, for this life of the daemon. */
  get version(): number {
    return this.changes;
  }

  /** Several changes in one commit. */
  together<T>(work: () => T): T {
    if (this.database.isTransaction) return work();
    const [live, bySlot] = [new Map(this.live), new Map(this.bySlot)];
    try {
      return transact(this.database, work);
    } catch (error) {
      [this.live, this.bySlot] = [live, bySlot]; // memory says what the disk says
      this.changes++;
      throw error;
    }
  }

  get(id: string): ContainerRecord | undefined {
    return this.live.get(id);
  }

  at(slot: number): ContainerRecord | undefined {
    return this.live.get(this.bySlot.get(slot) ?? '');
  }

  all(): IterableIterator<ContainerRecord> {
    return this.live.values();
  }

  get size(): number {
    return this.live.size;
  }

  named(owner: string, name: string): ContainerRecord | undefined {
    return [...this.live.values()].find((one) => one.owner === owner && one.name === name);
  }

  /** What an id was once asked for, gone or not. */
  askedFor(id: string): { asked: string; gone: boolean } | undefined {
    const row = this.database.prepare('select asked, gone_at from container where id = ?').get(id) as
      Pick<Row, 'asked' | 'gone_at'> | undefined;
    return row && { asked: row.asked, gone: row.gone_at !== null };
  }

  add(record: ContainerRecord, asked: string): void {
    const { template, limits } = record;
    this.database
      .prepare(
        `insert into container (id, slot, name, owner, range, template_name, template_version, snapshot, address,
           forwards, memory_bytes, cpu_millis, pids, tariff_tag, secret, environment, state, since, created_at, asked,
           grants, copy_of, disk_bytes)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        ...[record.id, record.slot, record.name, record.owner, record.range, template.name, template.version],
        ...[record.snapshot, record.address, JSON.stringify(record.forwards), limits.memoryBytes, limits.cpuMillis],
        ...[limits.pids, record.tariffTag, record.secret, JSON.stringify(record.environment), record.state],
        ...[record.since.getTime(), record.createdAt.getTime(), asked],
        JSON.stringify(record.grants),
        record.copyOf ?? null,
        limits.diskBytes,
      );
    this.keep(record);
  }

  /** Writes a change down before anything acts on it; answers the record as it is now. */
  change(id: string, change: Change, now: Date): ContainerRecord {
    const before = this.live.get(id);
    if (!before) throw new Error(`cannot change ${id}: it has no record`);
    const since = change.state === undefined || change.state === before.state ? before.since : now;
    const after = cleaned({ ...before, ...change, since });
    this.database
      .prepare(
        `update container set state = ?, since = ?, reason = ?, trashed_until = ?, boot = ?, started_at = ?, again = ?,
           restoring = ?, copy_of = ?, name = ?, memory_bytes = ?, cpu_millis = ?, pids = ?, disk_bytes = ?, forwards = ?, grants = ?, hosts = ?
         where id = ?`,
      )
      .run(
        after.state,
        after.since.getTime(),
        after.reason ?? null,
        after.trashedUntil?.getTime() ?? null,
        after.boot,
        after.startedAt?.getTime() ?? null,
        after.again ? 1 : 0,
        after.restoring ?? null,
        after.copyOf ?? null,
        ...[after.name, after.limits.memoryBytes, after.limits.cpuMillis, after.limits.pids],
        after.limits.diskBytes,
        ...[JSON.stringify(after.forwards), JSON.stringify(after.grants), JSON.stringify(after.hosts), id],
      );
    this.keep(after);
    return after;
  }

  /** Its data is gone, its row stays. */
  gone(id: string, now: Date): void {
    const record = this.live.get(id);
    if (!record) return;
    this.database.prepare("update container set gone_at = ?, secret = '' where id = ?").run(now.getTime(), id);
    this.live.delete(id);
    this.bySlot.delete(record.slot);
    this.changes++;
  }

  private keep(record: ContainerRecord): void {
    this.live.set(record.id, record);
    this.bySlot.set(record.slot, record.id);
    this.changes++;
  }
}

type Row = Readonly<{
  id: string;
  slot: bigint;
  name: string;
  owner: string;
  range: bigint;
  template_name: string;
  template_version: string;
  snapshot: string;
  address: string;
  forwards: string;
  grants: string;
  hosts: string;
  memory_bytes: bigint;
  cpu_millis: bigint;
  pids: bigint;
  disk_bytes: bigint;
  tariff_tag: string;
  secret: string;
  environment: string;
  state: string;
  since: bigint;
  reason: string | null;
  created_at: bigint;
  trashed_until: bigint | null;
  boot: bigint;
  started_at: bigint | null;
  again: bigint;
  restoring: bigint | null;
  copy_of: string | null;
  asked: string;
  gone_at: bigint | null;
}>;

function recordOf(row: Row): ContainerRecord {
  return {
    id: row.id,
    slot: Number(row.slot),
    name: row.name,
    owner: row.owner,
    range: Number(row.range),
    template: { name: row.template_name, version: row.template_version },
    snapshot: row.snapshot,
    address: row.address,
    forwards: JSON.parse(row.forwards) as Forward[],
    grants: JSON.parse(row.grants) as RecordedGrants,
    hosts: JSON.parse(row.hosts) as Hosts,
    limits: {
      memoryBytes: row.memory_bytes,
      cpuMillis: Number(row.cpu_millis),
      pids: Number(row.pids),
      diskBytes: row.disk_bytes,
    },
    tariffTag: row.tariff_tag,
    secret: row.secret,
    environment: JSON.parse(row.environment) as Record<string, string>,
    state: row.state as State,
    since: dateOf(row.since),
    createdAt: dateOf(row.created_at),
    boot: Number(row.boot),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.trashed_until === null ? {} : { trashedUntil: dateOf(row.trashed_until) }),
    ...(row.started_at === null ? {} : { startedAt: dateOf(row.started_at) }),
    ...(row.again === 0n ? {} : { again: true as const }),
    ...(row.copy_of === null ? {} : { copyOf: row.copy_of }),
    ...(row.restoring === null ? {} : { restoring: Number(row.restoring) }),
  };
}

/** What is null is absent. */
function cleaned(
  record: Omit<ContainerRecord, 'reason' | 'trashedUntil' | 'startedAt' | 'again' | 'restoring' | 'copyOf'> & Change,
): ContainerRecord {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => value !== null && value !== undefined),
  ) as ContainerRecord;
}

function dateOf(milliseconds: bigint): Date {
  return new Date(Number(milliseconds));
}
