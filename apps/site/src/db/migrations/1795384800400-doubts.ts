import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Journals are told apart by host too, because a copied machine brings its instance along; a journal that went back to
 * a backup is another one; and what cannot have been measured is kept beside what was.
 */
export class Doubts1795384800400 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table usage_cursor
        add column epoch int not null default 1 check (epoch > 0),
        add column resumes_at timestamptz`);
    await runner.query(`alter table usage_sample add column host text`);
    await runner.query(`alter table usage_sample disable trigger usage_sample_stays`);
    await runner.query(`
      update usage_sample set host = coalesce(
        (select host from lease where id = lease_id),
        (select host from usage_cursor where usage_cursor.instance = usage_sample.instance limit 1),
        '')`);
    await runner.query(`alter table usage_sample enable trigger usage_sample_stays`);
    await runner.query(`
      alter table usage_sample
        alter column host set not null,
        drop constraint usage_sample_pkey,
        add primary key (host, instance, seq)`);
    await runner.query(`
      create table usage_set_aside (
        host text not null,
        instance text not null,
        seq numeric(38, 0) not null,
        lease_id text not null,
        reason text not null,
        body jsonb not null,
        recorded_at timestamptz not null default clock_timestamp(),
        primary key (host, instance, seq)
      )`);
    await runner.query(`
      create trigger usage_set_aside_stays before update or delete on usage_set_aside
        for each row execute function refuse_change();
      create trigger usage_set_aside_stays_whole before truncate on usage_set_aside
        for each statement execute function refuse_change()`);
  }

  async down(): Promise<void> {
    throw new Error('cannot take journals back: restore a backup instead');
  }
}
