import { Problem } from '@berth/problem';
import type { DataSource, EntityManager } from 'typeorm';
import { doubt, Hours } from './doubt.js';
import { labelOf, pageSize, type Cursor, type Journal, type Page } from './journal.js';
import { insertSamples, setAside, type Doubted } from './samples.js';

type Options = Readonly<{ cut?: boolean; signal?: AbortSignal }>;

const aDayMs = 86_400_000;
/** Each lost one means that another collector went on. */
const mostTries = 20;

export type Collected = Readonly<{ skewMs: number; doubted: readonly Doubted[] }>;

/**
 * Fetches everything after the cursor. Each page and the cursor past it are one transaction, so a kill at any point
 * costs at most a page that is fetched again; of two collectors at once, the slower one throws its page away and reads on
 * from where the other came to.
 * @throws whatever the host's client throws when the host is silent.
 */
export async function collect(dataSource: DataSource, journal: Journal, options: Options = {}): Promise<Collected> {
  const doubted: Doubted[] = [];
  for (let first = true, tries = 0; ; first = false) {
    const stored = await cursorOf(dataSource.manager, journal.host);
    const { page, cursor } = await readOn(dataSource.manager, journal, stored, {
      ...options,
      cut: first && options.cut === true,
    });
    mustCover(journal.host, page);
    const skewMs = Date.parse(page.observedAt) - Date.now();
    mustBeOfToday(journal.host, skewMs);
    const taken = await dataSource.transaction((db) => take(db, journal.host, stored, cursor, page, skewMs));
    if (!taken && (tries += 1) < mostTries) continue; // somebody else was quicker: what was cut for us lies beyond that
    if (!taken)
      throw new Problem('unavailable', `cannot take the journal of ${journal.host}: others take it all the time`);
    doubted.push(...taken);
    if (page.samples.length < pageSize) return { skewMs, doubted };
  }
}

type Read = Readonly<{ page: Page; cursor: Cursor }>;

/**
 * The page after the cursor, where it still is the journal that was read before. Another instance is another journal;
 * so is one that no longer holds the sample read last, because con's database was brought back from a backup.
 */
async function readOn(
  db: EntityManager,
  journal: Journal,
  stored: Cursor | undefined,
  { cut, signal }: Options,
): Promise<Read> {
  const from = (after: bigint, limit: number) =>
    journal.read({ after, limit, ...(cut ? { cut } : {}) }, signal ? { signal } : {});
  if (!stored || stored.after === 0n) {
    const page = await from(0n, pageSize);
    if (!stored || page.instance === stored.instance) {
      return { page, cursor: stored ?? { instance: page.instance, epoch: 1, after: 0n, resumesAt: null } };
    }
    return { page, cursor: await another(db, journal.host, stored, page) };
  }
  // One more than is new: the last that is known, to see that it is still there.
  const page = await from(stored.after - 1n, pageSize + 1);
  const [last, ...samples] = page.samples;
  if (page.instance === stored.instance && last && (await isKnown(db, journal.host, stored, last))) {
    return { page: { ...page, samples }, cursor: stored };
  }
  return { page: await from(0n, pageSize), cursor: await another(db, journal.host, stored, page) };
}

/** Numbers begin anew, and what the journal before has told of is not told again. */
async function another(db: EntityManager, host: string, stored: Cursor, { instance }: Page): Promise<Cursor> {
  const [row]: { last: Date | null }[] = await db.query(
    'select max(to_at) as last from usage_sample where host = $1 and to_at <= now()',
    [host],
  );
  const epoch = instance === stored.instance ? stored.epoch + 1 : 1;
  return { instance, epoch, after: 0n, resumesAt: row?.last ?? stored.resumesAt };
}

async function isKnown(
  db: EntityManager,
  host: string,
  cursor: Cursor,
  last: Page['samples'][number],
): Promise<boolean> {
  if (last.seq !== cursor.after) return false;
  const rows: unknown[] = await db.query(
    `select 1 from usage_sample where host = $1 and instance = $2 and seq = $3
        and lease_id = $4 and boot = $5::bigint and from_at = $6 and to_at = $7
     union all select 1 from usage_set_aside where host = $1 and instance = $2 and seq = $3
        and lease_id = $4 and body ->> 'from' = $8 and body ->> 'to' = $9`,
    [
      host,
      labelOf(cursor),
      `${last.seq}`,
      last.container.replaceAll('\0', '\ufffd'),
      last.boot,
      datable(last.from),
      datable(last.to),
      last.from,
      last.to,
    ],
  );
  return rows.length > 0;
}

/** What the database can hold as a moment; what it cannot was set aside, where it is text. */
function datable(instant: string): string | null {
  return Date.parse(instant) >= 0 ? instant : null;
}

/** Inserts the page and moves the cursor, unless somebody else moved it since `stored` was read. */
async function take(
  db: EntityManager,
  host: string,
  stored: Cursor | undefined,
  cursor: Cursor,
  page: Page,
  skewMs: number,
): Promise<Doubted[] | undefined> {
  const expected = stored ?? cursor;
  await db.query('insert into usage_cursor (host, instance) values ($1, $2) on conflict do nothing', [
    host,
    expected.instance,
  ]);
  const now = await cursorOf(db, host, 'for update');
  if (!now || labelOf(now) !== labelOf(expected) || now.after !== expected.after) return undefined;
  const known = { nowMs: Date.now(), resumesMs: cursor.resumesAt?.getTime() };
  const hours = await hoursOf(db, page);
  const judged = page.samples.map((sample) => ({ sample, reason: doubt(sample, known) ?? hours.doubt(sample) }));
  const doubted = judged.flatMap(({ sample, reason }) => (reason === undefined ? [] : { sample, reason }));
  const believed = judged.filter(({ reason }) => reason === undefined).map(({ sample }) => sample);
  await insertSamples(db, host, labelOf(cursor), believed);
  await setAside(db, host, labelOf(cursor), doubted);
  await db.query(
    `update usage_cursor set instance = $2, epoch = $3, resumes_at = $4, after = $5,
            complete_until = $6, observed_at = $7, skew_ms = $8
      where host = $1`,
    [
      host,
      cursor.instance,
      cursor.epoch,
      cursor.resumesAt,
      `${page.next}`,
      page.completeUntil,
      page.observedAt,
      skewMs,
    ],
  );
  return doubted;
}

/** What is known of the hours that the page tells of. */
async function hoursOf(db: EntityManager, { samples }: Page): Promise<Hours> {
  const containers = [...new Set(samples.map(({ container }) => container).filter((id) => !id.includes('\0')))];
  const told = samples.map(({ from }) => Date.parse(from)).filter((at) => Number.isFinite(at));
  if (containers.length === 0 || told.length === 0) return new Hours(new Map(), new Map());
  const span = [Math.min(...told) - 3_600_000, Math.max(...told)].map((at) => new Date(at));
  const rows: { lease_id: string; hour: Date; ms: string }[] = await db.query(
    `select lease_id, hour, sum(run_ms) as ms from usage_sum
      where lease_id = any($1) and hour between $2 and $3 group by lease_id, hour`,
    [containers, ...span],
  );
  const leases: { id: string; at: Date }[] = await db.query(
    'select id, created_at as at from lease where id = any($1)',
    [containers],
  );
  return new Hours(
    new Map(leases.map(({ id, at }) => [id, at.getTime()])),
    new Map(rows.map(({ lease_id, hour, ms }) => [Hours.key(lease_id, hour.toISOString()), BigInt(ms)])),
  );
}

type CursorRow = Readonly<{ instance: string; epoch: number; after: string; resumesAt: Date | null }>;

async function cursorOf(db: EntityManager, host: string, lock: 'for update' | '' = ''): Promise<Cursor | undefined> {
  const [row]: CursorRow[] = await db.query(
    `select instance, epoch, after, resumes_at as "resumesAt" from usage_cursor where host = $1 ${lock}`,
    [host],
  );
  return row && { ...row, after: BigInt(row.after) };
}

/**
 * Whichever of the two clocks is wrong by a day: what is told now would be doubted for good. It is told again once they
 * agree, and nothing is lost meanwhile.
 */
function mustBeOfToday(host: string, skewMs: number): void {
  if (Math.abs(skewMs) < aDayMs) return;
  const hours = Math.round(skewMs / 3_600_000);
  throw new Problem('unavailable', `cannot take the journal of ${host}: its clock and ours differ by ${hours} hours`);
}

function mustCover(host: string, { next, samples }: Page): void {
  if (samples.some(({ seq }) => seq > next)) {
    throw new Problem('internal', `cannot take the journal of ${host}: its cursor ${next} does not cover its samples`);
  }
}
