import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { migrate } from './database.js';

/** Made once with the database: a caller whose cursor belongs to another one begins anew. */
export function instanceOf(database: DatabaseSync): string {
  migrate(database, 'instance', [
    'create table instance (one integer primary key check (one = 1), id text not null) strict',
  ]);
  database.prepare('insert into instance values (1, ?) on conflict do nothing').run(randomUUID());
  return (database.prepare('select id from instance').get() as { id: string }).id;
}

const bootSteps = ['create table boot (one integer primary key check (one = 1), id text not null) strict'];

/** Whether the host was restarted since `keepBoot`; the first daemon of all finds nothing that ran before. */
export function isAnotherBoot(database: DatabaseSync, bootId: string): boolean {
  migrate(database, 'boot', bootSteps);
  const kept = database.prepare('select id from boot').get() as { id: string } | undefined;
  return kept !== undefined && kept.id !== bootId;
}

export function keepBoot(database: DatabaseSync, bootId: string): void {
  database.prepare('insert or replace into boot values (1, ?)').run(bootId);
}
