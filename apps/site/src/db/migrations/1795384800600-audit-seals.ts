import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The audit log is sealed as the ledger is: a batch at a time, each seal over the one before. */
export class AuditSeals1795384800600 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table audit_seal (
        number bigint primary key check (number > 0),
        sealed_at timestamptz not null default clock_timestamp(),
        entries int not null check (entries > 0),
        root bytea not null check (octet_length(root) = 32)
      )`);
    await runner.query(`
      create table audit_sealed (
        entry_id bigint primary key references audit_event (id),
        seal bigint not null references audit_seal (number),
        place int not null check (place > 0),
        unique (seal, place)
      )`);
    for (const table of ['audit_seal', 'audit_sealed']) {
      await runner.query(`
        create trigger ${table}_stays before update or delete on ${table} for each row execute function refuse_change();
        create trigger ${table}_stays_whole before truncate on ${table} for each statement execute function refuse_change()`);
    }
  }

  async down(): Promise<void> {
    throw new Error('cannot take seals back: restore a backup instead');
  }
}
