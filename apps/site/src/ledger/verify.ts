import type { EntityManager } from 'typeorm';
import { bodyOf } from './entry.js';
import type { Account } from './account.js';
import { entryColumns, noSeal, rootOf, type SealedEntry } from './seal.js';

export type Verdict = Readonly<{ entries: number; seals: number; alarms: readonly string[] }>;

type Seal = Readonly<{ number: string; entries: number; root: Buffer }>;

/** Recomputes every seal and every hash, and says what does not agree. Read it in one repeatable-read transaction. */
export async function verifyLedger(db: EntityManager): Promise<Verdict> {
  const alarms = [...(await unsealed(db)), ...(await hollow(db))];
  const seals: Seal[] = await db.query('select number, entries, root from ledger_seal order by number');
  let previous: Buffer = noSeal;
  let entries = 0;
  for (const [at, seal] of seals.entries()) {
    const sealed: (SealedEntry & { body: Buffer })[] = await db.query(
      `select ${entryColumns}, e.body from ledger_sealed s join ledger_entry e on e.id = s.entry_id
        where s.seal = $1 order by s.place`,
      [seal.number],
    );
    entries += sealed.length;
    alarms.push(...faultsOf(seal, at, sealed, rootOf(previous, sealed)));
    previous = seal.root;
  }
  return { entries, seals: seals.length, alarms };
}

function faultsOf(seal: Seal, at: number, sealed: readonly (SealedEntry & { body: Buffer })[], root: Buffer): string[] {
  const faults: string[] = [];
  if (BigInt(seal.number) !== BigInt(at) + 1n) faults.push(`a seal is missing before seal ${seal.number}`);
  if (sealed.length !== seal.entries) {
    faults.push(`seal ${seal.number} covers ${seal.entries} entries, and ${sealed.length} are there`);
  }
  if (!root.equals(seal.root)) faults.push(`seal ${seal.number} does not fit its entries: one of them was changed`);
  for (const entry of sealed) if (!ownBody(entry)) faults.push(`entry ${entry.id} does not fit its own hash`);
  return faults;
}

function ownBody({ transfers, reverses, currency, body }: SealedEntry & { body: Buffer }): boolean {
  const moved = (transfers ?? []).map(([debit, credit, nanos]) => ({
    debit: debit as Account,
    credit: credit as Account,
    nanos: BigInt(nanos),
  }));
  return bodyOf({ transfers: moved, ...(reverses === null ? {} : { reverses }) }, currency).equals(body);
}

/** A seal follows within a second or so; after ten, either the job stands still or somebody writes around it. */
async function unsealed(db: EntityManager): Promise<string[]> {
  const rows: { id: string }[] = await db.query(
    `select id from ledger_entry e
      where recorded_at < clock_timestamp() - interval '10 seconds'
        and not exists (select from ledger_sealed s where s.entry_id = e.id)
      order by number limit 20`,
  );
  return rows.map(({ id }) => `entry ${id} is not sealed`);
}

/** An entry that moves nothing cannot be committed by anybody but the owner of the tables. */
async function hollow(db: EntityManager): Promise<string[]> {
  const rows: { id: string }[] = await db.query(
    `select id from ledger_entry e where not exists (select from ledger_transfer t where t.entry_id = e.id)
      order by number limit 20`,
  );
  return rows.map(({ id }) => `entry ${id} moves nothing`);
}
