import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the hosts measured, its sums by UTC hour, and what of it was posted. */
export class Usage1795384800200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(tables);
    await runner.query(guards);
  }

  async down(): Promise<void> {
    throw new Error('cannot take usage back: restore a backup instead');
  }
}

const amounts = ['run_ms', 'cpu_nanos', 'memory_byte_seconds', 'disk_byte_seconds', 'bytes_in', 'bytes_out'];
const amountColumns = amounts.map((name) => `${name} numeric(38, 0) not null check (${name} >= 0)`).join(', ');

const tables = `
create table tariff (
  id text primary key,
  body text not null,
  recorded_at timestamptz not null default clock_timestamp()
);
create table usage_cursor (
  host text primary key,
  instance text not null,
  after numeric(38, 0) not null default 0,
  complete_until timestamptz,
  observed_at timestamptz,
  skew_ms bigint
);
create table usage_sample (
  instance text not null,
  seq numeric(38, 0) not null,
  lease_id text not null,
  boot int not null,
  tariff_tag text not null,
  state text not null,
  from_at timestamptz not null,
  to_at timestamptz not null,
  ${amountColumns},
  primary key (instance, seq)
);
create index usage_sample_lease on usage_sample (lease_id, from_at);
create table usage_sum (
  lease_id text not null,
  hour timestamptz not null,
  tariff_tag text not null,
  customer_id text not null,
  host text not null,
  ${amountColumns},
  dirty boolean not null,
  fresh_from timestamptz,
  fresh_to timestamptz,
  primary key (lease_id, hour, tariff_tag)
);
create index usage_sum_dirty on usage_sum (customer_id, lease_id, hour) where dirty;
create index usage_sum_dirty_lease on usage_sum (lease_id, hour) where dirty;
create table usage_entry (
  id text primary key,
  lease_id text not null,
  hour timestamptz not null,
  revision int not null check (revision > 0),
  customer_id text not null,
  from_at timestamptz not null,
  to_at timestamptz not null,
  nanos numeric(38, 0) not null,
  invoice_number text,
  unique (lease_id, hour, revision)
);
create index usage_entry_due on usage_entry (customer_id) where invoice_number is null;
create table usage_line (
  entry_id text not null references usage_entry (id),
  tariff_tag text not null,
  measure text not null,
  quantity numeric(38, 0) not null,
  price_nanos numeric(38, 0) not null,
  price_per numeric(38, 0) not null check (price_per > 0),
  nanos numeric(38, 0) not null,
  primary key (entry_id, tariff_tag, measure)
);
`;

const appendOnly = ['tariff', 'usage_sample', 'usage_line'];

/** A posting may be put on an invoice, once; nothing else of it ever changes. */
const guards = `
${appendOnly
  .map(
    (table) => `
create trigger ${table}_stays before update or delete on ${table} for each row execute function refuse_change();
create trigger ${table}_stays_whole before truncate on ${table} for each statement execute function refuse_change();`,
  )
  .join('\n')}
create trigger usage_entry_stays before delete on usage_entry for each row execute function refuse_change();
create trigger usage_entry_stays_whole before truncate on usage_entry for each statement execute function refuse_change();
create trigger usage_entry_invoiced_once before update on usage_entry for each row
  when (old.invoice_number is not null or new.invoice_number is null
    or (to_jsonb(old) - 'invoice_number') <> (to_jsonb(new) - 'invoice_number'))
  execute function refuse_change();
`;
