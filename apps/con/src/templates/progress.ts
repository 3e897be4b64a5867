import type { DatabaseSync } from 'node:sqlite';
import type { Surroundings } from '@berth/confile';
import type { Step, Template } from '@berth/con-protocol';
import { transact } from '../database.js';
import { idOf, type Key } from './key.js';
import type { SnapshotRow } from './records.js';

export type TemplateRow = Key &
  Readonly<{
    state: Template['state'];
    createdAt: string;
    milliseconds: number;
    line: number | undefined;
    reason: string | undefined;
    surroundings: Surroundings;
    /** Where it ends; while another build of it runs or has failed, where it ended before. */
    snapshot: number | undefined;
  }>;

/** A line of a template and the cache key that finds its log and its snapshot. */
export type LineRow = Readonly<{ step: Step; key: string | undefined; snapshot: number | undefined }>;

type Row = Record<string, unknown>;

/** How far each template is. Every step of a build is on disk before the next begins. */
export class Progress {
  constructor(private readonly database: DatabaseSync) {}

  get({ name, version }: Key): TemplateRow | undefined {
    const row = this.database.prepare('select * from template where name = ? and version = ?').get(name, version);
    return row ? templateOf(row) : undefined;
  }

  list(): TemplateRow[] {
    return this.database.prepare('select * from template order by name, version').all().map(templateOf);
  }

  lines({ name, version }: Key): LineRow[] {
    return this.database
      .prepare('select * from template_line where name = ? and version = ? order by line')
      .all(name, version)
      .map(lineOf);
  }

  /** Whether some template shows the log of that cache key. */
  shows(key: string): boolean {
    return this.database.prepare('select 1 from template_line where key = ? limit 1').get(key) !== undefined;
  }

  /** Forgets how an earlier build of it went, not where it ended. `stands` keeps what FROM names from being removed meanwhile. */
  begin(
    { name, version }: Key,
    lines: readonly { line: number; text: string }[],
    surroundings: Surroundings,
    stands: SnapshotRow | undefined,
  ): void {
    transact(this.database, () => {
      const now = new Date().toISOString();
      this.database
        .prepare(
          `insert into template (name, version, state, created_at, surroundings) values (?, ?, 'building', ?, ?)
           on conflict do update set state = 'building', created_at = excluded.created_at, milliseconds = 0, line = null, reason = null, surroundings = excluded.surroundings`,
        )
        .run(name, version, now, JSON.stringify(surroundings));
      this.database.prepare('delete from template_line where name = ? and version = ?').run(name, version);
      const add = this.database.prepare(
        `insert into template_line (name, version, line, text, state, snapshot) values (?, ?, ?, ?, 'waiting', ?)`,
      );
      for (const [index, { line, text }] of lines.entries())
        add.run(name, version, line, text, index === 0 ? (stands?.id ?? null) : null);
    });
  }

  /** Lines found in the cache, all in one commit: twenty of them cost no more than one. */
  cached(
    { name, version }: Key,
    found: readonly { line: number; key: string; sizeBytes: bigint; snapshot: number }[],
  ): void {
    transact(this.database, () => {
      const set = this.database.prepare(
        `update template_line set state = 'cached', milliseconds = 0, size_bytes = ?, key = ?, snapshot = ? where name = ? and version = ? and line = ?`,
      );
      for (const { line, key, sizeBytes, snapshot } of found) set.run(sizeBytes, key, snapshot, name, version, line);
    });
  }

  running({ name, version }: Key, line: number, key: string): void {
    transact(this.database, () => {
      this.database
        .prepare(`update template_line set state = 'running', key = ? where name = ? and version = ? and line = ?`)
        .run(key, name, version, line);
      this.database.prepare('update template set line = ? where name = ? and version = ?').run(line, name, version);
    });
  }

  done({ name, version }: Key, line: number, snapshot: SnapshotRow, milliseconds: number): void {
    const sql = `update template_line set state = 'done', milliseconds = ?, size_bytes = ?, snapshot = ? where name = ? and version = ? and line = ?`;
    this.database.prepare(sql).run(milliseconds, snapshot.sizeBytes, snapshot.id, name, version, line);
  }

  ready({ name, version }: Key, snapshot: SnapshotRow, milliseconds: number): void {
    const sql = `update template set state = 'ready', line = null, snapshot = ?, surroundings = ?, milliseconds = ? where name = ? and version = ?`;
    this.database.prepare(sql).run(snapshot.id, JSON.stringify(snapshot.surroundings), milliseconds, name, version);
  }

  failed({ name, version }: Key, line: number | undefined, reason: string, milliseconds: number): void {
    transact(this.database, () => {
      const sql = `update template set state = 'failed', line = ?, reason = ?, milliseconds = ? where name = ? and version = ?`;
      this.database.prepare(sql).run(line ?? null, reason, milliseconds, name, version);
      if (line !== undefined)
        this.database
          .prepare(`update template_line set state = 'failed' where name = ? and version = ? and line = ?`)
          .run(name, version, line);
    });
  }

  /** Lets go of all that its lines made. What is in service stays; what never was is forgotten. */
  cancelled({ name, version }: Key, milliseconds: number): void {
    transact(this.database, () => {
      const gone = this.database
        .prepare('delete from template where name = ? and version = ? and snapshot is null')
        .run(name, version);
      if (gone.changes > 0) return;
      const lines = `update template_line set state = 'waiting', milliseconds = null, size_bytes = null, key = null, snapshot = null where name = ? and version = ?`;
      this.database.prepare(lines).run(name, version);
      const sql = `update template set state = 'failed', line = null, reason = 'cancelled', milliseconds = ? where name = ? and version = ?`;
      this.database.prepare(sql).run(milliseconds, name, version);
    });
  }

  /** Lets go of what builds made that failed before then, not of what they printed; answers which snapshots those were. */
  forgetFailed(before: Date): number[] {
    const failed = `exists (select 1 from template where template.name = template_line.name
      and template.version = template_line.version and state = 'failed' and created_at < ?) and snapshot is not null`;
    return transact(this.database, () => {
      const rows = this.database
        .prepare(`select snapshot from template_line where ${failed}`)
        .all(before.toISOString());
      this.database.prepare(`update template_line set snapshot = null where ${failed}`).run(before.toISOString());
      return rows.map((row) => Number(row['snapshot']));
    });
  }

  /** What a daemon that died was building. */
  interrupted(): void {
    transact(this.database, () => {
      this.database.exec(`update template set state = 'failed', reason = 'interrupted' where state = 'building'`);
      this.database.exec(`update template_line set state = 'failed' where state = 'running'`);
    });
  }

  remove({ name, version }: Key): void {
    this.database.prepare('delete from template where name = ? and version = ?').run(name, version);
  }
}

function templateOf(row: Row): TemplateRow {
  return {
    name: String(row['name']),
    version: String(row['version']),
    state: row['state'] as TemplateRow['state'],
    createdAt: String(row['created_at']),
    milliseconds: Number(row['milliseconds']),
    line: row['line'] === null ? undefined : Number(row['line']),
    reason: row['reason'] === null ? undefined : String(row['reason']),
    surroundings: JSON.parse(String(row['surroundings'])) as Surroundings,
    snapshot: row['snapshot'] === null ? undefined : Number(row['snapshot']),
  };
}

function lineOf(row: Row): LineRow {
  return {
    step: {
      line: Number(row['line']),
      text: String(row['text']),
      state: row['state'] as Step['state'],
      ...(row['milliseconds'] === null ? {} : { milliseconds: Number(row['milliseconds']) }),
      ...(row['size_bytes'] === null ? {} : { sizeBytes: BigInt(row['size_bytes'] as bigint) }),
      ...(row['snapshot'] === null ? {} : { snapshot: idOf(Number(row['snapshot'])) }),
    },
    key: row['key'] === null ? undefined : String(row['key']),
    snapshot: row['snapshot'] === null ? undefined : Number(row['snapshot']),
  };
}
