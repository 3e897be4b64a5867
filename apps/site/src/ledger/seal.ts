import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';

/** An entry as the database holds it, times as text to the microsecond, so that nothing is lost on the way to a hash. */
export type SealedEntry = Readonly<{
  id: string;
  effective_at: string;
  recorded_at: string;
  posted_by: string;
  why: string;
  currency: string;
  reverses: string | null;
  transfers: [debit: string, credit: string, nanos: string][] | null;
}>;

const instantText = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** What a seal covers of each entry `e`; used where seals are made and where they are checked. */
export const entryColumns = `e.id, ${instantText('e.effective_at')} as effective_at,
  ${instantText('e.recorded_at')} as recorded_at, e.posted_by, e.why, e.currency, e.reverses,
  (select json_agg(json_build_array(t.debit, t.credit, t.nanos::text) order by t.line)
     from ledger_transfer t where t.entry_id = e.id) as transfers`;

/** Over the entries in their order, and over the seal before: whoever changes one must change all that follow. */
export function rootOf(previous: Buffer, entries: readonly SealedEntry[]): Buffer {
  const root = createHash('sha256').update(previous);
  for (const e of entries) {
    const text = [e.id, e.effective_at, e.recorded_at, e.posted_by, e.why, e.currency, e.reverses, e.transfers ?? []];
    root.update(createHash('sha256').update(JSON.stringify(text)).digest());
  }
  return root.digest();
}

export const noSeal = Buffer.alloc(32);
const batch = 1_000;

/**
 * Seals what was committed since the last time. A chain head locked by every posting costs four fifths of the
 * throughput; this lags by a second and locks nobody.
 *
 * `since` bounds the search; a transaction may commit long after it recorded, so it lies well before the last run, and
 * the first run after a start looks at everything.
 */
export async function sealEntries(db: EntityManager, since: Date): Promise<number> {
  await db.query("select pg_advisory_xact_lock(hashtext('ledger_seal'))");
  const entries: SealedEntry[] = await db.query(
    `select ${entryColumns} from ledger_entry e
      where e.recorded_at >= $1 and not exists (select from ledger_sealed s where s.entry_id = e.id)
      order by e.number limit ${batch}`,
    [since],
  );
  if (entries.length === 0) return 0;
  const [last]: { number: string; root: Buffer }[] = await db.query(
    'select number, root from ledger_seal order by number desc limit 1',
  );
  const number = BigInt(last?.number ?? 0) + 1n;
  await db.query('insert into ledger_seal (number, entries, root) values ($1, $2, $3)', [
    number.toString(),
    entries.length,
    rootOf(last?.root ?? noSeal, entries),
  ]);
  await db.query(
    `insert into ledger_sealed (entry_id, seal, place)
     select id, $2, place from unnest($1::text[]) with ordinality as t (id, place)`,
    [entries.map(({ id }) => id), number.toString()],
  );
  return entries.length;
}
