import type { DatabaseSync } from 'node:sqlite';
import { Problem } from '@berth/problem';
import type { Config } from '../config.js';
import { migrate } from '../database.js';
import { rangesFrom } from '../host/runtime.js';

type Pools = Pick<Config, 'addressPool' | 'firstId' | 'firstPort' | 'lastPort' | 'restSeconds'>;

/** X.Y.0.0 to X.Y.0.9 are kept free, and X.Y.255.0/24 belongs to build lines. */
const firstSlot = 10;
const lastSlot = 65_279;

const steps = [
  `create table id_range (owner text primary key, range integer not null unique) strict;
   create table slot_use (slot integer primary key, released_at integer) strict;
   create table port_use (port integer primary key, slot integer not null, released_at integer) strict;`,
  'create table private_network (number integer primary key, owner text not null, name text not null, unique (owner, name)) strict',
];

/**
 * The small numbers that containers are given: slots (and with them addresses), ports of the host, id ranges. A number
 * that was given back rests before another may have it, because connections, caches and DNS remember.
 */
export class Numbers {
  private nextSlot = firstSlot;
  private nextPort: number;

  constructor(
    private readonly database: DatabaseSync,
    private readonly pools: Pools,
  ) {
    migrate(database, 'network', steps);
    this.nextPort = pools.firstPort;
  }

  /**
   * Each owner has a range of user ids that nobody else shares, and keeps it. Range 0 holds templates.
   * @throws Problem `unavailable` where each is somebody's.
   */
  rangeOf(owner: string): number {
    const known = this.rangeKept(owner);
    if (known !== undefined) return known;
    const { last } = this.database.prepare('select coalesce(max(range), 0) as last from id_range').get() as {
      last: bigint;
    };
    const range = Number(last) + 1;
    if (range >= rangesFrom(this.pools.firstId))
      throw new Problem('unavailable', `cannot take ${owner} in: all ranges of user ids of this host are given away`);
    this.database.prepare('insert into id_range (owner, range) values (?, ?)').run(owner, range);
    return range;
  }

  /** Whether a range can be an owner's: it is theirs, or nobody's while they have none. */
  mayKeepRange(owner: string, range: number): boolean {
    const known = this.rangeKept(owner);
    if (known !== undefined) return known === range;
    return !this.database.prepare('select 1 from id_range where range = ?').get(range);
  }

  /** A range that volumes are written in is given to nobody else. @throws Problem `conflict` */
  keepRange(owner: string, range: number): void {
    if (!this.mayKeepRange(owner, range))
      throw new Problem('conflict', `cannot keep range ${range} for ${owner}: it is somebody else's`);
    this.database.prepare('insert into id_range (owner, range) values (?, ?) on conflict do nothing').run(owner, range);
  }

  private rangeKept(owner: string): number | undefined {
    const row = this.database.prepare('select range from id_range where owner = ?').get(owner) as
      { range: bigint } | undefined;
    return row && Number(row.range);
  }

  /** Each owner's private networks have numbers that no other owner's have, and keep them. */
  networkOf(owner: string, name: string): number {
    this.database
      .prepare('insert into private_network (owner, name) values (?, ?) on conflict do nothing')
      .run(owner, name);
    const { number } = this.database
      .prepare('select number from private_network where owner = ? and name = ?')
      .get(owner, name) as { number: bigint };
    return Number(number);
  }

  /** @throws Problem `unavailable` where all 65,000 are taken or at rest. */
  takeSlot(now: Date): number {
    const slot = this.firstFree('slot_use', 'slot', this.nextSlot, [firstSlot, lastSlot], now);
    if (slot === undefined)
      throw new Problem('unavailable', 'cannot create a container: every address of this host is taken');
    this.database
      .prepare('insert into slot_use (slot) values (?) on conflict do update set released_at = null')
      .run(slot);
    this.nextSlot = slot + 1;
    return slot;
  }

  /** @throws Problem `unavailable` where the pool of ports is empty. */
  takePort(slot: number, now: Date, isServed: (port: number) => boolean = () => false): number {
    const { firstPort, lastPort } = this.pools;
    const port = this.firstFree('port_use', 'port', this.nextPort, [firstPort, lastPort], now, isServed);
    if (port === undefined)
      throw new Problem('unavailable', `cannot forward a port: all from ${firstPort} to ${lastPort} are taken`);
    this.keepPort(port, slot);
    this.nextPort = port + 1;
    return port;
  }

  /** A port that somebody has chosen. Its own slot may have it again at once. @throws Problem `conflict` */
  choosePort(port: number, slot: number, now: Date): void {
    const row = this.database.prepare('select slot, released_at from port_use where port = ?').get(port) as
      { slot: bigint; released_at: bigint | null } | undefined;
    if (row && Number(row.slot) !== slot) {
      const restMs = this.pools.restSeconds * 1_000;
      if (row.released_at === null)
        throw new Problem('conflict', `cannot forward port ${port} of the host: another container has it`);
      if (Number(row.released_at) > now.getTime() - restMs) {
        const until = new Date(Number(row.released_at) + restMs).toISOString();
        throw new Problem(
          'conflict',
          `cannot forward port ${port} of the host: it rests until ${until}; choose another`,
        );
      }
    }
    this.keepPort(port, slot);
  }

  /** It rests from now on. */
  releasePort(port: number, slot: number, now: Date): void {
    this.database
      .prepare('update port_use set released_at = ? where port = ? and slot = ?')
      .run(now.getTime(), port, slot);
  }

  /** Gives a slot and its ports back; they rest from now on. */
  release(slot: number, now: Date): void {
    this.database.prepare('update slot_use set released_at = ? where slot = ?').run(now.getTime(), slot);
    this.database
      .prepare('update port_use set released_at = ? where slot = ? and released_at is null')
      .run(now.getTime(), slot);
  }

  /** A slot that something unknown sits on is never given to anybody. */
  keepFrom(slot: number): void {
    this.database
      .prepare('insert into slot_use (slot) values (?) on conflict do update set released_at = null')
      .run(slot);
  }

  addressOf(slot: number): string {
    return `${this.pools.addressPool.replace(/\.0\.0\/16$/, '')}.${slot >> 8}.${slot & 255}`;
  }

  private keepPort(port: number, slot: number): void {
    this.database
      .prepare(
        'insert into port_use (port, slot) values (?, ?) on conflict do update set slot = excluded.slot, released_at = null',
      )
      .run(port, slot);
  }

  /** From `next` upwards, then once around: numbers just given back are met last. */
  private firstFree(
    table: 'slot_use' | 'port_use',
    column: 'slot' | 'port',
    next: number,
    [first, last]: [number, number],
    now: Date,
    isServed: (port: number) => boolean = () => false,
  ): number | undefined {
    const rested = now.getTime() - this.pools.restSeconds * 1_000;
    const isTaken = this.database.prepare(
      `select 1 from ${table} where ${column} = ? and (released_at is null or released_at > ?)`,
    );
    const count = last - first + 1;
    for (let step = 0; step < count; step++) {
      const number = first + ((Math.max(next, first) - first + step) % count);
      if (!isTaken.get(number, rested) && !isServed(number)) return number;
    }
    return undefined;
  }
}
