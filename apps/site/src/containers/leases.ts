import { createHash, randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Problem } from '@berth/problem';
import { DataSource } from 'typeorm';
import type { Config } from '../config.js';
import { InvalidFields } from '../http/invalid-fields.js';
import { CONFIG } from '../http/tokens.js';

/** Who holds what, where. What it is doing is the host's to say and never stands here. */
export type Lease = Readonly<{
  id: string;
  customerId: string;
  host: string;
  name: string;
  app: string;
  version: string;
  size: string;
  memoryBytes: bigint;
  cpuMillis: number;
  pids: number;
  tariffTag: string;
  createdAt: Date;
  /** When the host took it; until then its create is sent again. */
  placedAt: Date | null;
  /** Why the host will never take it. */
  refusal: string | null;
  trashedUntil: Date | null;
  loginPutAwayAt: Date | null;
}>;

export type NewLease = Omit<Lease, 'id' | 'createdAt' | 'placedAt' | 'refusal' | 'trashedUntil' | 'loginPutAwayAt'>;

type Row = Omit<Lease, 'memoryBytes'> & { memoryBytes: string };

const columns = `id, customer_id as "customerId", host, name, app, version, size, memory_bytes as "memoryBytes",
  cpu_millis as "cpuMillis", pids, tariff_tag as "tariffTag", created_at as "createdAt", placed_at as "placedAt", refusal,
  trashed_until as "trashedUntil", login_put_away_at as "loginPutAwayAt"`;

@Injectable()
export class Leases {
  constructor(
    private readonly db: DataSource,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Newest first, of one customer. */
  of(customerId: string): Promise<Lease[]> {
    return this.read('customer_id = $1 and ended_at is null order by created_at desc, id', [customerId]);
  }

  /** Of everybody: what a job looks after. */
  all(): Promise<Lease[]> {
    return this.read('ended_at is null order by created_at', []);
  }

  /** @throws Problem `not_found` for what is not this customer's, with the same words as for what does not exist. */
  async mustGet(id: string, customerId: string): Promise<Lease> {
    const [lease] = await this.read('id = $1 and customer_id = $2 and ended_at is null', [id, customerId]);
    if (!lease)
      throw new Problem('not_found', 'cannot find this container: it is not among yours', { kind: 'not-yours' });
    return lease;
  }

  /** Replayed with the same key and body it is the same lease. @throws Problem `conflict` for a key in use, `invalid` for a name. */
  async add(lease: NewLease, key: string, body: unknown): Promise<{ lease: Lease; isNew: boolean }> {
    const { customerId, host, name, app, version, size, memoryBytes, cpuMillis, pids, tariffTag } = lease;
    const values = [customerId, host, name, app, version, size, memoryBytes.toString(), cpuMillis, pids, tariffTag];
    const added = await this.db.transaction(async (db): Promise<Row[]> => {
      // One after the other for one customer: two that count at once would both find the last place free.
      await db.query(`select pg_advisory_xact_lock(hashtext('customer leases'), hashtext($1))`, [customerId]);
      return await db.query(
        `insert into lease (id, idempotency_key, body_hash, customer_id, host, name, app, version, size, memory_bytes,
                            cpu_millis, pids, tariff_tag)
         select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
          where (select count(*) from lease where customer_id = $4 and ended_at is null) < $14
         on conflict do nothing returning ${columns}`,
        [randomUUID(), key, hashOf(body), ...values, this.config.containersPerCustomer],
      );
    });
    if (added[0]) return { lease: lively(added[0]), isNew: true };
    const replayed = await this.replayed(customerId, key, body);
    if (replayed) return { lease: replayed, isNew: false };
    await this.mustHaveRoom(lease);
    throw nameTaken(name, `cannot add ${name}`);
  }

  private async mustHaveRoom({ customerId, name }: NewLease): Promise<void> {
    const most = this.config.containersPerCustomer;
    const [row]: { count: number }[] = await this.db.query(
      'select count(*)::int as count from lease where customer_id = $1 and ended_at is null',
      [customerId],
    );
    if ((row?.count ?? 0) < most) return;
    const why = `cannot add ${name}: you have ${most} containers, and more are not possible; ask the operator`;
    throw new Problem('conflict', why, { kind: 'too-many-containers', blanks: { most } });
  }

  /** The lease of that key, if there is one. @throws Problem `conflict` where the key came with another body before. */
  async replayed(customerId: string, key: string, body: unknown): Promise<Lease | undefined> {
    const [row]: (Row & { bodyHash: Buffer; isRefused: boolean })[] = await this.db.query(
      `select ${columns}, body_hash as "bodyHash",
              ended_at is not null and placed_at is null as "isRefused" from lease where customer_id = $1 and idempotency_key = $2`,
      [customerId, key],
    );
    if (!row) return undefined;
    if (!row.bodyHash.equals(hashOf(body)))
      throw new Problem('conflict', 'cannot add this: its Idempotency-Key was used for another container', {
        kind: 'key-used',
      });
    if (row.isRefused)
      throw new Problem('conflict', 'cannot add this: that order was refused before; order anew', { kind: 'key-used' });
    return lively(row);
  }

  /** @throws InvalidFields where another of that customer has the name. */
  async rename({ id, customerId }: Lease, name: string): Promise<void> {
    try {
      await this.db.query('update lease set name = $2 where id = $1', [id, name]);
    } catch (error) {
      const [taken] = await this.read('customer_id = $1 and name = $2 and ended_at is null', [customerId, name]);
      if (!taken || taken.id === id) throw error;
      throw nameTaken(name, `cannot call it ${name}`);
    }
  }

  async placed(id: string): Promise<void> {
    await this.db.query('update lease set placed_at = coalesce(placed_at, now()) where id = $1', [id]);
  }

  async refused(id: string, refusal: string): Promise<void> {
    await this.db.query('update lease set refusal = $2 where id = $1 and placed_at is null', [id, refusal]);
  }

  async trashed(id: string, until: string | null): Promise<void> {
    await this.db.query('update lease set trashed_until = $2 where id = $1', [id, until]);
  }

  /** The row stays: what was used is billed by it. */
  async ended(id: string): Promise<void> {
    await this.db.query('update lease set ended_at = coalesce(ended_at, now()) where id = $1', [id]);
  }

  async loginPutAway(id: string): Promise<void> {
    await this.db.query('update lease set login_put_away_at = coalesce(login_put_away_at, now()) where id = $1', [id]);
  }

  private async read(where: string, values: unknown[]): Promise<Lease[]> {
    const rows: Row[] = await this.db.query(`select ${columns} from lease where ${where}`, values);
    return rows.map(lively);
  }
}

function nameTaken(name: string, doing: string): InvalidFields {
  const taken = `${doing}: you have a container of that name, perhaps in the trash; choose another`;
  return new InvalidFields(taken, { name: taken }, 'invalid', { kind: 'name-taken', blanks: { name } });
}

function hashOf(body: unknown): Buffer {
  return createHash('sha256').update(JSON.stringify(body)).digest();
}

/** PostgreSQL's bigint arrives as text. */
function lively(row: Row): Lease {
  return { ...row, memoryBytes: BigInt(row.memoryBytes) };
}
