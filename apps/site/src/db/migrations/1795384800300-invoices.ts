import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Invoices as they were issued, and the counter that numbers them without a gap. */
export class Invoices1795384800300 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table invoice_counter (
        year int primary key check (year between 2000 and 9999),
        last int not null check (last > 0)
      )`);
    await runner.query(`
      create table invoice (
        number text primary key check (number ~ '^[0-9]{4}-[0-9]{6,}$'),
        customer_id text not null references customer (id),
        issued_at timestamptz not null,
        period_from timestamptz not null,
        period_to timestamptz not null check (period_to >= period_from),
        month text,
        currency text not null references ledger_book (currency),
        net_nanos numeric(38, 0) not null,
        rounding_nanos numeric(38, 0) not null,
        vat_nanos numeric(38, 0) not null,
        gross_nanos numeric(38, 0) not null check (gross_nanos = net_nanos + vat_nanos),
        document text not null,
        pdf bytea not null,
        sha256 bytea not null check (sha256 = sha256(pdf)),
        unique (customer_id, month)
      )`);
    await runner.query(`create index invoice_customer on invoice (customer_id, issued_at)`);
    await runner.query(`alter table usage_entry add foreign key (invoice_number) references invoice (number)`);
    await runner.query(`create index usage_entry_invoice on usage_entry (invoice_number)`);
    await runner.query(guards);
  }

  async down(): Promise<void> {
    throw new Error('cannot take invoices back: restore a backup instead');
  }
}

/** A number follows the one before it; an issued invoice is never touched again. */
const guards = `
create trigger invoice_stays before update or delete on invoice for each row execute function refuse_change();
create trigger invoice_stays_whole before truncate on invoice for each statement execute function refuse_change();
create trigger invoice_counter_stays before delete on invoice_counter for each row execute function refuse_change();
create trigger invoice_counter_counts before update on invoice_counter for each row
  when (new.year <> old.year or new.last <> old.last + 1) execute function refuse_change();
`;
