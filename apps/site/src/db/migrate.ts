import type { DataSource } from 'typeorm';
import { grants } from './grants.js';
import { dataSource } from './source.js';

/** A lock's number in PostgreSQL, so that two starts at once migrate one after the other. */
const lock = 7_246_183;

/**
 * Brings the tables up to date as their owner, then gives the serving role exactly what `grants` says.
 * @returns the names of the migrations that were applied.
 */
export async function migrate(ownerUrl: string, servingUrl: string): Promise<readonly string[]> {
  const db = await dataSource(ownerUrl, { poolSize: 3 }).initialize();
  try {
    const holder = db.createQueryRunner();
    await holder.query('select pg_advisory_lock($1)', [lock]);
    try {
      const applied = await db.runMigrations();
      await grant(db, roleOf(servingUrl));
      return applied.map(({ name }) => name);
    } finally {
      await holder.query('select pg_advisory_unlock($1)', [lock]);
      await holder.release();
    }
  } finally {
    await db.destroy();
  }
}

async function grant(db: DataSource, role: string): Promise<void> {
  const to = `"${role.replaceAll('"', '""')}"`;
  await db.transaction(async (transaction) => {
    await transaction.query(`revoke all on all tables in schema public from ${to}`);
    await transaction.query(`revoke all on all sequences in schema public from ${to}`);
    await transaction.query(`grant usage on schema public to ${to}`);
    await transaction.query(`revoke create on schema public from public, ${to}`);
    const [{ database } = { database: '' }]: { database: string }[] = await transaction.query(
      'select quote_ident(current_database()) as database',
    );
    // Where the owner of the tables does not own the database, PostgreSQL warns and leaves it: the guards do not need it.
    await transaction.query(`revoke temporary on database ${database} from public, ${to}`);
    for (const [table, rights] of Object.entries(grants)) {
      await transaction.query(`grant ${rights} on table ${table} to ${to}`);
    }
    const sequences: { name: string }[] = await transaction.query(
      `select quote_ident(s.relname) as name
         from pg_class s
         join pg_depend d on d.objid = s.oid and d.deptype in ('a', 'i')
         join pg_class t on t.oid = d.refobjid
        where s.relkind = 'S' and t.relname = any($1)`,
      [Object.keys(grants)],
    );
    for (const { name } of sequences) await transaction.query(`grant usage on sequence ${name} to ${to}`);
  });
}

function roleOf(url: string): string {
  return decodeURIComponent(/^postgres(?:ql)?:\/\/([^:@/]+)/.exec(url)?.[1] ?? '');
}
