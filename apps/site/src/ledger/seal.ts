import { createHash } from 'node:crypto';
import type { EntityManager } from 'typeorm';

/** What is only ever added to, and sealed in batches: the ledger's entries, and the audit log's events. */
export type Sealable<Row> = Readonly<{
  /** What one is called in an alarm. */
  word: string;
  table: string;
  seals: string;
  sealed: string;
  idType: 'text' | 'bigint';
  /** When `e` was recorded, and what it is ordered by. */
  recorded: string;
  order: string;
  /** What a seal covers of each row `e`, its id first and as text. */
  columns: string;
  /** The same, in the order in which it is hashed. */
  covered: (row: Row) => readonly unknown[];
}>;

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

type SealedEvent = Readonly<
  Record<'id' | 'at' | 'actor' | 'act' | 'target' | 'outcome' | 'request_id' | 'address', string>
>;

const instantText = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

export const ledgerEntries: Sealable<SealedEntry> = {
  word: 'entry',
  table: 'ledger_entry',
  seals: 'ledger_seal',
  sealed: 'ledger_sealed',
  idType: 'text',
  recorded: 'e.recorded_at',
  order: 'e.number',
  columns: `e.id, ${instantText('e.effective_at')} as effective_at,
    ${instantText('e.recorded_at')} as recorded_at, e.posted_by, e.why, e.currency, e.reverses,
    (select json_agg(json_build_array(t.debit, t.credit, t.nanos::text) order by t.line)
       from ledger_transfer t where t.entry_id = e.id) as transfers`,
  covered: (e) => [e.id, e.effective_at, e.recorded_at, e.posted_by, e.why, e.currency, e.reverses, e.transfers ?? []],
};

export const auditEvents: Sealable<SealedEvent> = {
  word: 'audit event',
  table: 'audit_event',
  seals: 'audit_seal',
  sealed: 'audit_sealed',
  idType: 'bigint',
  recorded: 'e.at',
  order: 'e.id',
  columns: `e.id::text, ${instantText('e.at')} as at, e.actor, e.act, e.target, e.outcome, e.request_id, e.address`,
  covered: (e) => [e.id, e.at, e.actor, e.act, e.target, e.outcome, e.request_id, e.address],
};

/** Over the rows in their order, and over the seal before: whoever changes one must change all that follow. */
export function rootOf<Row>(previous: Buffer, rows: readonly Row[], { covered }: Sealable<Row>): Buffer {
  const root = createHash('sha256').update(previous);
  for (const row of rows)
    root.update(
      createHash('sha256')
        .update(JSON.stringify(covered(row)))
        .digest(),
    );
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
export async function seal<Row extends { id: string }>(
  db: EntityManager,
  kind: Sealable<Row>,
  since: Date,
): Promise<number> {
  const { table, seals, sealed, idType, recorded, order, columns } = kind;
  await db.query('select pg_advisory_xact_lock(hashtext($1))', [seals]);
  const rows: Row[] = await db.query(
    `select ${columns} from ${table} e
      where ${recorded} >= $1 and not exists (select from ${sealed} s where s.entry_id = e.id)
      order by ${order} limit ${batch}`,
    [since],
  );
  if (rows.length === 0) return 0;
  const [last]: { number: string; root: Buffer }[] = await db.query(
    `select number, root from ${seals} order by number desc limit 1`,
  );
  const number = BigInt(last?.number ?? 0) + 1n;
  await db.query(`insert into ${seals} (number, entries, root) values ($1, $2, $3)`, [
    number.toString(),
    rows.length,
    rootOf(last?.root ?? noSeal, rows, kind),
  ]);
  await db.query(
    `insert into ${sealed} (entry_id, seal, place)
     select id, $2, place from unnest($1::${idType}[]) with ordinality as t (id, place)`,
    [rows.map(({ id }) => id), number.toString()],
  );
  return rows.length;
}

export function sealEntries(db: EntityManager, since: Date): Promise<number> {
  return seal(db, ledgerEntries, since);
}
