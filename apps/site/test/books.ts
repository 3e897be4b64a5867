import type { DataSource } from 'typeorm';
import { dataSource } from '../src/db/source.js';
import { freshDatabase, type TestDatabase } from './database.js';

export type Books = Readonly<{
  /** As the role that serves. */
  db: DataSource;
  /** As the role that owns the tables. */
  owner: DataSource;
  database: TestDatabase;
  /** A person, so that somebody can hold a lease and be invoiced. */
  customer(id: string, locale?: 'en' | 'de'): Promise<string>;
  lease(id: string, customerId: string, host?: string): Promise<string>;
  close(): Promise<void>;
}>;

/** The tables alone, without a site around them. */
export async function openBooks(): Promise<Books> {
  const database = await freshDatabase();
  const [db, owner] = [dataSource(database.url), dataSource(database.ownerUrl, { poolSize: 2 })];
  await Promise.all([db.initialize(), owner.initialize()]);
  return {
    db,
    owner,
    database,
    customer: async (id, locale = 'en') => {
      await db.query(`insert into customer (id, email, name, locale, password_hash) values ($1, $2, $3, $4, '-')`, [
        id,
        `${id}@example.com`,
        `${id} Example`,
        locale,
      ]);
      return id;
    },
    lease: async (id, customerId, host = 'one') => {
      await db.query(
        `insert into lease (id, customer_id, host, name, app, version, size, memory_bytes, cpu_millis, pids,
           tariff_tag, idempotency_key, body_hash, created_at)
         values ($1, $2, $3, $1, 'django', '4.2', 'small', 268435456, 500, 256, 'demo:small', $1, ''::bytea, '2026-01-01')`,
        [id, customerId, host],
      );
      return id;
    },
    close: async () => {
      await db.destroy();
      await owner.destroy();
      await database.drop();
    },
  };
}
