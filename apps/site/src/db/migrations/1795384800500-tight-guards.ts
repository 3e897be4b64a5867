import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Closes ways around the guards: a temporary table in place of one that a trigger looks into, numbers that are none,
 * moments that never come, numbers of invoices without their invoice, and an audit log that its owner may rewrite.
 */
export class TightGuards1795384800500 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const part of [paths, numbers, moments, counting, audit]) await runner.query(part);
  }

  async down(): Promise<void> {
    throw new Error('cannot loosen the guards: restore a backup instead');
  }
}

/** Without a path of its own a function finds whatever the session put first, and temporary tables come before all. */
const paths = `
do $$
declare guard regprocedure;
begin
  for guard in
    select p.oid from pg_proc p join pg_language l on l.oid = p.prolang
     where p.pronamespace = 'public'::regnamespace and l.lanname = 'plpgsql'
  loop
    execute format('alter function %s set search_path = pg_catalog, public, pg_temp', guard);
  end loop;
end $$`;

/** PostgreSQL holds NaN for greater than every number, so that "greater than 0" lets it pass. */
const numbers = `
do $$
declare held record;
begin
  for held in
    select c.table_name, c.column_name from information_schema.columns c
      join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = 'public' and c.data_type = 'numeric' and t.table_type = 'BASE TABLE'
  loop
    execute format('alter table %I add constraint %I check (%I <> ''NaN'')', held.table_name,
      held.table_name || '_' || held.column_name || '_is_a_number', held.column_name);
  end loop;
end $$`;

const moments = `
alter table ledger_entry add check (isfinite(effective_at));
alter table usage_sample add check (isfinite(from_at) and isfinite(to_at));
alter table usage_entry add check (isfinite(hour) and isfinite(from_at) and isfinite(to_at));
alter table invoice add check (isfinite(issued_at) and isfinite(period_from) and isfinite(period_to));
`;

/** At commit: the counter's last number has its invoice, and no invoice has a number that was not counted. */
const counting = `
create function invoice_is_counted() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  if not exists (
    select from invoice_counter where year = split_part(new.number, '-', 1)::int and last >= split_part(new.number, '-', 2)::int
  ) then
    raise exception 'cannot issue %: its number was not counted', new.number using errcode = 'restrict_violation';
  end if;
  return null;
end $$;
create constraint trigger invoice_is_counted after insert on invoice
  deferrable initially deferred for each row execute function invoice_is_counted();

create function invoice_counter_is_used() returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp as $$
begin
  if not exists (select from invoice where number = new.year || '-' || lpad(new.last::text, greatest(6, length(new.last::text)), '0')) then
    raise exception 'cannot count to %-%: there is no such invoice', new.year, new.last using errcode = 'restrict_violation';
  end if;
  return null;
end $$;
create constraint trigger invoice_counter_is_used after insert or update on invoice_counter
  deferrable initially deferred for each row execute function invoice_counter_is_used();
create trigger invoice_counter_begins before insert on invoice_counter for each row
  when (new.last <> 1) execute function refuse_change();
create trigger invoice_counter_stays_whole before truncate on invoice_counter
  for each statement execute function refuse_change();
`;

const audit = `
create trigger audit_event_stays before update or delete on audit_event for each row execute function refuse_change();
create trigger audit_event_stays_whole before truncate on audit_event
  for each statement execute function refuse_change();
`;
