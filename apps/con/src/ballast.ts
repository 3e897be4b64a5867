import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

const MiB = 1024 * 1024;
/** Kept free inside the database for what is yet to be written: hours of samples, and every change of state. */
const freeBytes = 16 * MiB;
/** SQLite begins its log anew at 4 MiB; the longest of our transactions fits beside. */
const logBytes = 6 * MiB;

/**
 * Space for con's own records that no container can take: free pages inside the database, and a log that is long
 * already. On a disk that is full to the last byte containers are stopped, use is put on record, and con is started
 * again. SQLite removes its log when it closes; while con is down a file holds that space.
 */
export class Ballast {
  private readonly file: string;

  constructor(path: string) {
    this.file = `${path}.ballast`;
  }

  /** To be called before the database is opened. */
  drop(): void {
    rmSync(this.file, { force: true });
  }

  /** Takes both. Answers whether the disk had that much. */
  take(database: DatabaseSync): boolean {
    database.exec('create table if not exists ballast (piece blob) strict');
    return fill(database, [logBytes]) && this.refill(database);
  }

  /** Makes up for what has been written since. */
  refill(database: DatabaseSync): boolean {
    if (freeIn(database) > freeBytes / 2) return true;
    return fill(database, Array<number>(freeBytes / MiB).fill(MiB));
  }

  /** To be called after the database was closed. */
  load(): void {
    const file = openSync(this.file, 'w', 0o600);
    try {
      for (let loaded = 0; loaded <= logBytes; loaded += MiB) writeSync(file, Buffer.alloc(MiB));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}

/** Grows the database by what does not fit into its free pages, and lets go of it again: a file of SQLite never shrinks by itself. */
function fill(database: DatabaseSync, pieces: readonly number[]): boolean {
  try {
    for (const bytes of pieces) database.prepare('insert into ballast values (zeroblob(?))').run(bytes);
    return true;
  } catch (error) {
    if (!(error instanceof Error) || !/disk is full|disk I\/O error/.test(error.message)) throw error;
    return false;
  } finally {
    database.exec('delete from ballast');
  }
}

function freeIn(database: DatabaseSync): number {
  const { bytes } = database
    .prepare('select freelist_count * page_size as bytes from pragma_freelist_count, pragma_page_size')
    .get() as { bytes: bigint };
  return Number(bytes);
}
