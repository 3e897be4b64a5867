import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../src/db/migrate.js';
import { startPostgres } from '../../../tools/postgres/cluster.js';

export type TestDatabase = Readonly<{
  /** As the role that serves. */
  url: string;
  /** As the role that owns the tables. */
  ownerUrl: string;
  /** Runs as the owner: what no visitor could do, such as letting time pass. */
  query<T extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<T[]>;
  drop(): Promise<void>;
}>;

/** One cluster for all test files of this user, left running and adopted by the next; each test has a database of its own. */
export async function freshDatabase({ migrated = true } = {}): Promise<TestDatabase> {
  const directory = join(tmpdir(), `berth-test-pg-${userInfo().uid}`);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const cluster = await alone(directory, () => startPostgres({ directory, binaries: directory, durable: false }));
  const name = `t${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  const admin = new pg.Client({ connectionString: cluster.url('postgres') });
  await admin.connect();
  await admin.query(`create role ${name}_owner login password '${password}'`);
  await admin.query(`create role ${name}_app login password '${password}'`);
  await admin.query(`create database ${name} owner ${name}_owner`);
  const url = cluster.url(name, `${name}_app`, password);
  const ownerUrl = cluster.url(name, `${name}_owner`, password);
  if (migrated) await migrate(ownerUrl, url);
  const owner = new pg.Pool({ connectionString: ownerUrl, max: 2 });
  owner.on('error', () => undefined); // `drop` may cut what is just being closed
  return {
    url,
    ownerUrl,
    query: async (text, values = []) => (await owner.query(text, [...values])).rows,
    drop: async () => {
      await owner.end();
      await admin.query(`drop database ${name} with (force)`);
      await admin.query(`drop role ${name}_owner`);
      await admin.query(`drop role ${name}_app`);
      await admin.end();
    },
  };
}

/** Two test files may be first at the same time: a directory is made by one of them alone. */
async function alone<T>(directory: string, start: () => Promise<T>): Promise<T> {
  const { open, rm, stat } = await import('node:fs/promises');
  const lock = join(directory, 'starting');
  const began = Date.now();
  for (;;) {
    try {
      await (await open(lock, 'wx')).close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const held = await stat(lock).then(
        ({ mtimeMs }) => Date.now() - mtimeMs,
        () => 0,
      );
      if (held > 60_000 || Date.now() - began > 90_000) await rm(lock, { force: true });
      await new Promise((later) => setTimeout(later, 25));
    }
  }
  try {
    return await start();
  } finally {
    await rm(lock, { force: true });
  }
}
