import { DatabaseSync } from 'node:sqlite';

/**
 * con's own records and journal, in one SQLite file. Every commit is on disk when it returns: what was acknowledged
 * survives a power cut. Whole numbers are read as bigint, because node:sqlite throws beyond 2⁵³ otherwise.
 */
export function openDatabase(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { readBigInts: true });
  database.exec(
    'pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma busy_timeout = 2000',
  );
  database.exec('create table if not exists migration (room text, step integer, primary key (room, step)) strict');
  return database;
}

/** Runs the steps of one room that have not run yet, each in a transaction of its own. A step that has shipped never changes. */
export function migrate(database: DatabaseSync, room: string, steps: readonly string[]): void {
  const { done } = database.prepare('select count(*) as done from migration where room = ?').get(room) as {
    done: bigint;
  };
  for (const [step, sql] of steps.entries()) {
    if (step < Number(done)) continue;
    transact(database, () => {
      database.exec(sql);
      database.prepare('insert into migration (room, step) values (?, ?)').run(room, step);
    });
  }
}

/** All of `work` or nothing of it; `work` is synchronous, so nothing comes in between. Within another, it is part of that one. */
export function transact<T>(database: DatabaseSync, work: () => T): T {
  if (database.isTransaction) return work();
  database.exec('begin immediate');
  try {
    const result = work();
    database.exec('commit');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('rollback'); // SQLite has rolled back itself where the disk is full
    throw error;
  }
}

/** Numbers of a table that were given by a database which is lost are given to nothing else: it goes on above them. */
export function goOnAbove(database: DatabaseSync, table: string, numbers: readonly number[]): void {
  const above = Math.max(0, ...numbers);
  const { last } = database
    .prepare('select coalesce(max(seq), 0) as last from sqlite_sequence where name = ?')
    .get(table) as {
    last: bigint;
  };
  if (above <= Number(last)) return;
  database.prepare('delete from sqlite_sequence where name = ?').run(table);
  database.prepare('insert into sqlite_sequence (name, seq) values (?, ?)').run(table, above);
}
