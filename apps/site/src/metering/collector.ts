import { Problem } from '@berth/problem';
import type { DataSource, EntityManager } from 'typeorm';
import { pageSize, type Cursor, type Journal, type Page } from './journal.js';
import { insertSamples } from './samples.js';

type Options = Readonly<{ cut?: boolean; signal?: AbortSignal }>;

export type Collected = Readonly<{ skewMs: number }>;

/**
 * Fetches everything after the cursor. Each page and the cursor past it are one transaction, so a kill at any point
 * costs at most a page that is fetched again; of two collectors at once, the slower one throws its page away.
 * @throws whatever the host's client throws when the host is silent.
 */
export async function collect(dataSource: DataSource, journal: Journal, options: Options = {}): Promise<Collected> {
  for (let first = true; ; first = false) {
    const stored = await cursorOf(dataSource.manager, journal.host);
    const page = await readPage(journal, stored, { ...options, cut: first && options.cut === true });
    mustCover(journal.host, page);
    const skewMs = Date.parse(page.observedAt) - Date.now();
    const taken = await dataSource.transaction((db) => take(db, journal.host, stored, page, skewMs));
    if (!taken || page.samples.length < pageSize) return { skewMs };
  }
}

async function readPage(journal: Journal, stored: Cursor | undefined, { cut, signal }: Options): Promise<Page> {
  const from = (after: bigint) =>
    journal.read({ after, limit: pageSize, ...(cut ? { cut } : {}) }, signal ? { signal } : {});
  const page = await from(stored?.after ?? 0n);
  // Another database of con: its numbers begin anew, and nothing of the old one comes again.
  return stored && page.instance !== stored.instance ? from(0n) : page;
}

/** Inserts the page and moves the cursor, unless somebody else moved it since `stored` was read. */
async function take(
  db: EntityManager,
  host: string,
  stored: Cursor | undefined,
  page: Page,
  skewMs: number,
): Promise<boolean> {
  const expected = stored ?? { instance: page.instance, after: 0n };
  await db.query('insert into usage_cursor (host, instance) values ($1, $2) on conflict do nothing', [
    host,
    expected.instance,
  ]);
  const now = await cursorOf(db, host, 'for update');
  if (now?.instance !== expected.instance || now.after !== expected.after) return false;
  await insertSamples(db, host, page.instance, page.samples);
  await db.query(
    `update usage_cursor set instance = $2, after = $3, complete_until = $4, observed_at = $5, skew_ms = $6
      where host = $1`,
    [host, page.instance, page.next.toString(), page.completeUntil, page.observedAt, skewMs],
  );
  return true;
}

async function cursorOf(db: EntityManager, host: string, lock: 'for update' | '' = ''): Promise<Cursor | undefined> {
  const [row]: { instance: string; after: string }[] = await db.query(
    `select instance, after from usage_cursor where host = $1 ${lock}`,
    [host],
  );
  return row && { instance: row.instance, after: BigInt(row.after) };
}

function mustCover(host: string, { next, samples }: Page): void {
  if (samples.some(({ seq }) => seq > next)) {
    throw new Problem('internal', `cannot take the journal of ${host}: its cursor ${next} does not cover its samples`);
  }
}
