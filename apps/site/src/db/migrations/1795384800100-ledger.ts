import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The books. Site's own role may read and add, and owns nothing here; the triggers say the same to the owner, so that
 * a slip in a migration or a console is refused as well.
 */
export class Ledger1795384800100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(tables);
    await runner.query(guards);
    await runner.query(seals);
  }

  async down(): Promise<void> {
    throw new Error('cannot take the ledger back: restore a backup instead');
  }
}

const account = (column: string) => `check (${column} ~
  '^(bank|revenue:usage|rounding|trial|fees|writeoff|vat:[A-Z]{2}:[0-9]+|customer:[A-Za-z0-9_-]+:(balance|unbilled|receivable))$')`;

const tables = `
create table ledger_book (
  one boolean primary key default true check (one),
  currency text not null unique check (currency ~ '^[A-Z]{3}$')
);
create table ledger_entry (
  id text primary key check (length(id) between 1 and 300),
  number bigint not null generated always as identity unique,
  effective_at timestamptz not null,
  recorded_at timestamptz not null default clock_timestamp(),
  recorded_in xid8 not null default pg_current_xact_id(),
  posted_by text not null check (length(posted_by) between 1 and 100),
  why text not null check (length(why) between 1 and 500),
  currency text not null references ledger_book (currency),
  reverses text unique references ledger_entry (id) check (reverses <> id),
  body bytea not null check (octet_length(body) = 32),
  unique (id, currency)
);
create index ledger_entry_recorded_at on ledger_entry (recorded_at);
create table ledger_transfer (
  entry_id text not null,
  line int not null check (line >= 0),
  currency text not null,
  debit text not null ${account('debit')},
  credit text not null ${account('credit')},
  nanos numeric(38, 0) not null check (nanos > 0),
  primary key (entry_id, line),
  check (debit <> credit),
  foreign key (entry_id, currency) references ledger_entry (id, currency)
);
create index ledger_transfer_debit on ledger_transfer (debit);
create index ledger_transfer_credit on ledger_transfer (credit);
`;

const guards = `
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'cannot % %: what is written there stays', lower(tg_op), tg_table_name using errcode = 'restrict_violation';
end $$;

create function ledger_transfer_in_time() returns trigger language plpgsql as $$
begin
  if not exists (select from ledger_entry where id = new.entry_id and recorded_in = pg_current_xact_id()) then
    raise exception 'cannot add a transfer to %: that entry is closed', new.entry_id using errcode = 'restrict_violation';
  end if;
  return null;
end $$;
create constraint trigger ledger_transfer_in_time after insert on ledger_transfer
  for each row execute function ledger_transfer_in_time();

create function ledger_entry_moves() returns trigger language plpgsql as $$
begin
  if not exists (select from ledger_transfer where entry_id = new.id) then
    raise exception 'cannot post %: it moves nothing', new.id using errcode = 'check_violation';
  end if;
  return null;
end $$;
create constraint trigger ledger_entry_moves after insert on ledger_entry
  deferrable initially deferred for each row execute function ledger_entry_moves();
`;

const appendOnly = ['ledger_book', 'ledger_entry', 'ledger_transfer', 'ledger_seal', 'ledger_sealed'];

const seals = `
create table ledger_seal (
  number bigint primary key check (number > 0),
  sealed_at timestamptz not null default clock_timestamp(),
  entries int not null check (entries > 0),
  root bytea not null check (octet_length(root) = 32)
);
create table ledger_sealed (
  entry_id text primary key references ledger_entry (id),
  seal bigint not null references ledger_seal (number),
  place int not null check (place > 0),
  unique (seal, place)
);
${appendOnly
  .map(
    (table) => `
create trigger ${table}_stays before update or delete on ${table} for each row execute function refuse_change();
create trigger ${table}_stays_whole before truncate on ${table} for each statement execute function refuse_change();`,
  )
  .join('\n')}
`;
