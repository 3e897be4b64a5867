import pg from 'pg';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Cluster } from './postgres/cluster.ts';

/** Two connection strings: the owner migrates; the role that serves owns nothing. */
export type Databases = Readonly<{ owner: string; serving: string }>;

/** Makes the roles and the database where they are missing; passwords are random and kept in a 0600 file. */
export async function ensureDatabase(cluster: Cluster, name: string, secretsFile: string): Promise<Databases> {
  const secrets = secretsOf(secretsFile);
  const client = new pg.Client({ connectionString: cluster.url('postgres') });
  await client.connect();
  try {
    for (const [role, password] of [
      [`${name}_owner`, secrets.owner],
      [`${name}_site`, secrets.serving],
    ] as const) {
      const { rowCount } = await client.query('select from pg_roles where rolname = $1', [role]);
      const verb = rowCount === 0 ? 'create' : 'alter';
      await client.query(
        `${verb} role ${client.escapeIdentifier(role)} login password ${client.escapeLiteral(password)}`,
      );
    }
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0)
      await client.query(
        `create database ${client.escapeIdentifier(name)} owner ${client.escapeIdentifier(`${name}_owner`)}`,
      );
  } finally {
    await client.end();
  }
  return {
    owner: cluster.url(name, `${name}_owner`, secrets.owner),
    serving: cluster.url(name, `${name}_site`, secrets.serving),
  };
}

export async function hasAdmin({ serving }: Databases): Promise<boolean> {
  const client = new pg.Client({ connectionString: serving });
  await client.connect();
  try {
    const { rowCount } = await client.query(`select from customer where role = 'admin' limit 1`);
    return rowCount === 1;
  } finally {
    await client.end();
  }
}

function secretsOf(file: string): { owner: string; serving: string } {
  if (!existsSync(file)) {
    const fresh = { owner: randomBytes(24).toString('hex'), serving: randomBytes(24).toString('hex') };
    writeFileSync(file, JSON.stringify(fresh), { mode: 0o600, flag: 'wx' });
  }
  return JSON.parse(readFileSync(file, 'utf8')) as { owner: string; serving: string };
}
