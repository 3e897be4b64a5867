import type { MigrationInterface, QueryRunner } from 'typeorm';

/** People, their visits, what they hold where, and who did what. */
export class Customers1795300000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      create table customer (
        id text primary key,
        email text not null unique check (email = lower(email) and length(email) <= 254),
        name text not null check (length(name) between 1 and 200),
        role text not null default 'customer' check (role in ('customer', 'admin')),
        locale text not null check (locale in ('en', 'de')),
        password_hash text not null,
        created_at timestamptz not null default now()
      )`);
    await db.query(`
      create table session (
        id_hash bytea primary key check (length(id_hash) = 32),
        customer_id text not null references customer (id),
        created_at timestamptz not null default now(),
        seen_at timestamptz not null default now()
      )`);
    await db.query(`create index session_customer on session (customer_id)`);
    await db.query(`
      create table lease (
        id text primary key,
        customer_id text not null references customer (id),
        host text not null,
        name text not null,
        app text not null,
        version text not null,
        size text not null,
        memory_bytes bigint not null,
        cpu_millis int not null,
        pids int not null,
        tariff_tag text not null,
        idempotency_key text not null,
        body_hash bytea not null,
        created_at timestamptz not null default now(),
        placed_at timestamptz,
        refusal text,
        trashed_until timestamptz,
        login_put_away_at timestamptz,
        ended_at timestamptz,
        unique (customer_id, idempotency_key)
      )`);
    await db.query(`create unique index lease_name on lease (customer_id, name) where ended_at is null`);
    await db.query(`create index lease_host on lease (host) where ended_at is null`);
    await db.query(`
      create table audit_event (
        id bigint generated always as identity primary key,
        at timestamptz not null default now(),
        actor text not null,
        act text not null,
        target text not null,
        outcome text not null,
        request_id text not null,
        address text not null
      )`);
    await db.query(`create index audit_event_at on audit_event (at)`);
  }

  async down(db: QueryRunner): Promise<void> {
    for (const table of ['audit_event', 'lease', 'session', 'customer']) await db.query(`drop table ${table}`);
  }
}
