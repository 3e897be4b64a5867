import type { EntityManager } from 'typeorm';
import { bodyOf } from './entry.js';
import type { Account } from './account.js';
import { auditEvents, ledgerEntries, noSeal, rootOf, type Sealable, type SealedEntry } from './seal.js';

export type Verdict = Readonly<{ entries: number; seals: number; events: number; alarms: readonly string[] }>;

type Seal = Readonly<{ number: string; entries: number; root: Buffer }>;
type Chain = Readonly<{ rows: number; seals: number; alarms: readonly string[] }>;
type Booked = SealedEntry & Readonly<{ body: Buffer }>;

/** Recomputes every seal and every hash, and says what does not agree. Read it in one repeatable-read transaction. */
export async function verifyLedger(db: EntityManager): Promise<Verdict> {
  const entries = await verifyChain(db, { ...ledgerEntries, columns: `${ledgerEntries.columns}, e.body` }, ownBody);
  const events = await verifyChain(db, auditEvents, () => undefined);
  const alarms = [...(await hollow(db)), ...entries.alarms, ...events.alarms];
  return { entries: entries.rows, seals: entries.seals, events: events.rows, alarms };
}

async function verifyChain<Row>(
  db: EntityManager,
  kind: Sealable<Row>,
  faultOf: (row: never) => string | undefined,
): Promise<Chain> {
  const alarms = await unsealed(db, kind);
  const seals: Seal[] = await db.query(`select number, entries, root from ${kind.seals} order by number`);
  let previous: Buffer = noSeal;
  let rows = 0;
  for (const [at, seal] of seals.entries()) {
    const sealed: Row[] = await db.query(
      `select ${kind.columns} from ${kind.sealed} s join ${kind.table} e on e.id = s.entry_id
        where s.seal = $1 order by s.place`,
      [seal.number],
    );
    rows += sealed.length;
    alarms.push(...faultsOf(seal, at, sealed.length, rootOf(previous, sealed, kind), kind.word));
    alarms.push(...sealed.flatMap((row) => faultOf(row as never) ?? []));
    previous = seal.root;
  }
  return { rows, seals: seals.length, alarms };
}

function faultsOf(seal: Seal, at: number, found: number, root: Buffer, word: string): string[] {
  const of = word === ledgerEntries.word ? '' : ` of ${word}s`;
  const faults: string[] = [];
  if (BigInt(seal.number) !== BigInt(at) + 1n) faults.push(`a seal${of} is missing before seal ${seal.number}`);
  if (found !== seal.entries) {
    faults.push(`seal ${seal.number}${of} covers ${seal.entries} entries, and ${found} are there`);
  }
  if (!root.equals(seal.root))
    faults.push(`seal ${seal.number}${of} does not fit its entries: one of them was changed`);
  return faults;
}

function ownBody({ id, transfers, reverses, currency, body }: Booked): string | undefined {
  const moved = (transfers ?? []).map(([debit, credit, nanos]) => ({
    debit: debit as Account,
    credit: credit as Account,
    nanos: BigInt(nanos),
  }));
  const isOwn = bodyOf({ transfers: moved, ...(reverses === null ? {} : { reverses }) }, currency).equals(body);
  return isOwn ? undefined : `entry ${id} does not fit its own hash`;
}

/** A seal follows within a second or so; after ten, either the job stands still or somebody writes around it. */
async function unsealed<Row>(
  db: EntityManager,
  { word, table, sealed, recorded, order }: Sealable<Row>,
): Promise<string[]> {
  const rows: { id: string }[] = await db.query(
    `select id from ${table} e
      where ${recorded} < clock_timestamp() - interval '10 seconds'
        and not exists (select from ${sealed} s where s.entry_id = e.id)
      order by ${order} limit 20`,
  );
  return rows.map(({ id }) => `${word} ${id} is not sealed`);
}

/** An entry that moves nothing cannot be committed by anybody but the owner of the tables. */
async function hollow(db: EntityManager): Promise<string[]> {
  const rows: { id: string }[] = await db.query(
    `select id from ledger_entry e where not exists (select from ledger_transfer t where t.entry_id = e.id)
      order by number limit 20`,
  );
  return rows.map(({ id }) => `entry ${id} moves nothing`);
}
