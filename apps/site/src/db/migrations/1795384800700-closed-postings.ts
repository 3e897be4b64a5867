import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What was posted is closed with its transaction: no line more, no invoice later than its own, no seal out of turn. And
 * an admin's click that is sent twice issues one invoice.
 */
export class ClosedPostings1795384800700 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table usage_entry add column recorded_in xid8 not null default pg_current_xact_id();
      alter table invoice add column recorded_in xid8 not null default pg_current_xact_id(),
        add column request_key text check (length(request_key) between 1 and 200),
        add unique (customer_id, request_key)`);
    await runner.query(postings);
    for (const log of ['ledger', 'audit']) await runner.query(sealsInTurn(log));
  }

  async down(): Promise<void> {
    throw new Error('cannot open postings again: restore a backup instead');
  }
}

const trigger = 'returns trigger language plpgsql set search_path = pg_catalog, public, pg_temp';

const postings = `
create function usage_line_in_time() ${trigger} as $$
begin
  if not exists (select from usage_entry where id = new.entry_id and recorded_in = pg_current_xact_id()) then
    raise exception 'cannot add a line to %: that posting is closed', new.entry_id using errcode = 'restrict_violation';
  end if;
  return null;
end $$;
create constraint trigger usage_line_in_time after insert on usage_line
  for each row execute function usage_line_in_time();

create trigger usage_entry_begins_open before insert on usage_entry for each row
  when (new.invoice_number is not null) execute function refuse_change();

create function usage_entry_on_new_invoice() ${trigger} as $$
begin
  if not exists (select from invoice where number = new.invoice_number and recorded_in = pg_current_xact_id()) then
    raise exception 'cannot put % on invoice %: that was issued before', new.id, new.invoice_number using errcode = 'restrict_violation';
  end if;
  return null;
end $$;
create constraint trigger usage_entry_on_new_invoice after update on usage_entry
  for each row execute function usage_entry_on_new_invoice();
`;

/** A seal follows the one before and is whole when it is committed. */
const sealsInTurn = (log: string) => `
create function ${log}_seal_in_turn() ${trigger} as $$
begin
  if new.number <> (select coalesce(max(number), 0) + 1 from ${log}_seal) then
    raise exception 'cannot set seal %: it does not follow the last one', new.number using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger ${log}_seal_in_turn before insert on ${log}_seal for each row execute function ${log}_seal_in_turn();

create function ${log}_seal_is_whole() ${trigger} as $$
begin
  if (select count(*) from ${log}_sealed where seal = new.number) <> new.entries then
    raise exception 'cannot set seal %: it does not cover what it says', new.number using errcode = 'restrict_violation';
  end if;
  return null;
end $$;
create constraint trigger ${log}_seal_is_whole after insert on ${log}_seal
  deferrable initially deferred for each row execute function ${log}_seal_is_whole();

create function ${log}_sealed_counts() ${trigger} as $$
begin
  if new.place > (select entries from ${log}_seal where number = new.seal) then
    raise exception 'cannot add to seal %: it is whole', new.seal using errcode = 'restrict_violation';
  end if;
  return null;
end $$;
create constraint trigger ${log}_sealed_counts after insert on ${log}_sealed
  for each row execute function ${log}_sealed_counts();
`;
