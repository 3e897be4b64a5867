import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { Surroundings } from '@berth/confile';
import { Problem } from '@berth/problem';
import { goOnAbove, migrate, transact } from '../database.js';
import type { Chain, Layer } from '../host/layers.js';

const steps = [
  `create table layer (
     layer integer primary key autoincrement,
     state text not null check (state in ('open', 'sealed', 'removing'))
   ) strict;
   create table snapshot (
     id integer primary key autoincrement,
     key text not null unique,
     parent integer references snapshot (id),
     text text not null,
     layer integer references layer (layer),
     size_bytes integer not null,
     milliseconds integer not null,
     created_at text not null,
     surroundings text not null,
     checked integer not null,
     retired integer not null default 0
   ) strict;
   create index snapshot_parent on snapshot (parent);
   create table template (
     name text not null,
     version text not null,
     state text not null check (state in ('building', 'ready', 'failed')),
     created_at text not null,
     milliseconds integer not null default 0,
     line integer,
     reason text,
     surroundings text not null,
     snapshot integer references snapshot (id),
     primary key (name, version)
   ) strict;
   create table template_line (
     name text not null,
     version text not null,
     line integer not null,
     text text not null,
     state text not null check (state in ('waiting', 'cached', 'running', 'done', 'failed')),
     milliseconds integer,
     size_bytes integer,
     key text,
     snapshot integer references snapshot (id),
     primary key (name, version, line),
     foreign key (name, version) references template (name, version) on delete cascade
   ) strict;
   create index template_line_snapshot on template_line (snapshot);
   create index template_line_key on template_line (key);`,
  `alter table snapshot add column flat integer references layer (layer);
   alter table snapshot add column flat_bytes integer not null default 0;`,
];

/** What one line of a Confile left behind: a layer of files, or (`layer` absent) only changed surroundings. */
export type SnapshotRow = Readonly<{
  id: number;
  key: string;
  parent: number | undefined;
  text: string;
  layer: Layer | undefined;
  sizeBytes: bigint;
  milliseconds: number;
  createdAt: string;
  surroundings: Surroundings;
  /** Looked through for baked secrets, with all below it. */
  checked: boolean;
  /** Shows the same as its layer and all below, in one; it stands in for them beneath further layers. */
  flat: Layer | undefined;
  flatBytes: bigint;
}>;

export type NewSnapshot = Omit<SnapshotRow, 'id' | 'createdAt' | 'flat' | 'flatBytes'>;

type Row = Record<string, unknown>;

/** Snapshots and the layers under them. Ids and layers only grow: a number that ever existed is never used again. */
export class SnapshotRecords {
  constructor(private readonly database: DatabaseSync) {
    migrate(database, 'templates', steps);
  }

  /** Written before the layer is made, so that whatever a crash leaves has an owner. */
  openLayer(): Layer {
    return Number(this.database.prepare(`insert into layer (state) values ('open')`).run().lastInsertRowid);
  }

  /** `open`: a line writes to it, or died doing so. `removing`: its snapshot is gone. `sealed`: a snapshot holds it. */
  layersIn(state: 'open' | 'sealed' | 'removing'): Layer[] {
    return this.all('select layer from layer where state = ? order by layer desc', state).map((row) =>
      Number(row['layer']),
    );
  }

  forgetLayer(layer: Layer): void {
    this.database.prepare(`delete from layer where layer = ? and state <> 'sealed'`).run(layer);
  }

  add(snapshot: NewSnapshot): SnapshotRow {
    const { key, parent, text, layer, sizeBytes, milliseconds, surroundings, checked } = snapshot;
    return transact(this.database, () => {
      if (layer !== undefined) this.database.prepare(`update layer set state = 'sealed' where layer = ?`).run(layer);
      const values = [
        key,
        parent ?? null,
        text,
        layer ?? null,
        sizeBytes,
        milliseconds,
        new Date().toISOString(),
        JSON.stringify(surroundings),
        checked ? 1 : 0,
      ];
      const columns = 'key, parent, text, layer, size_bytes, milliseconds, created_at, surroundings, checked';
      const { lastInsertRowid } = this.database
        .prepare(`insert into snapshot (${columns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
        .run(...values);
      return this.mustGet(Number(lastInsertRowid));
    });
  }

  byKey(key: string): SnapshotRow | undefined {
    return this.one('select * from snapshot where key = ?', key);
  }

  get(id: number): SnapshotRow | undefined {
    return this.one('select * from snapshot where id = ?', id);
  }

  mustGet(id: number): SnapshotRow {
    const found = this.get(id);
    if (!found) throw new Error(`there is no snapshot ${id}`);
    return found;
  }

  list(): SnapshotRow[] {
    return this.all('select * from snapshot order by id').map(snapshotOf);
  }

  /**
   * Makes layers known that are on the disk and in no record, each as a snapshot that only containers hold. Known ones stay
   * as they are. Nearest first, the base last. Answers the nearest.
   */
  adopt(chain: Chain, surroundings: Surroundings): number {
    let parent: number | undefined;
    for (const layer of [...chain].reverse()) {
      const known = this.one('select * from snapshot where layer = ? or flat = ?', layer, layer);
      parent = known?.id ?? this.adoptLayer(layer, parent, surroundings);
    }
    if (parent === undefined) throw new Problem('conflict', 'cannot make a snapshot known again that has no layers');
    return parent;
  }

  private adoptLayer(layer: Layer, parent: number | undefined, surroundings: Surroundings): number {
    this.database.prepare(`insert into layer (layer, state) values (?, 'sealed')`).run(layer);
    const text = `layer ${layer}, whose Confile is no longer known`;
    const figures = { sizeBytes: 0n, milliseconds: 0, checked: true };
    const { id } = this.add({ key: `recovered ${layer}`, parent, text, layer, surroundings, ...figures });
    this.database.prepare('update snapshot set retired = 1 where id = ?').run(id);
    return id;
  }

  /** Which of these layers are in no record; their numbers are given to no other. */
  strange(layers: readonly Layer[]): Layer[] {
    goOnAbove(this.database, 'layer', layers);
    return layers.filter((layer) => !this.database.prepare('select 1 from layer where layer = ?').get(layer));
  }

  check(id: number): void {
    this.database.prepare('update snapshot set checked = 1 where id = ?').run(id);
  }

  /** From a snapshot down to its base. */
  line(id: number): SnapshotRow[] {
    return this.all(
      `with recursive below (id, depth) as (
         select ?, 0 union all
         select snapshot.parent, depth + 1 from snapshot join below on snapshot.id = below.id where snapshot.parent is not null)
       select snapshot.* from below join snapshot on snapshot.id = below.id order by depth`,
      id,
    ).map(snapshotOf);
  }

  /**
   * Nearest first. Beneath a layer, one that was laid down flat ends the chain; the snapshot itself keeps its own layers,
   * so that what stands on it is mounted as it always was.
   */
  chain(id: number): Chain {
    const chain: Layer[] = [];
    for (const { layer, flat } of this.line(id)) {
      if (chain.length > 0 && flat !== undefined) return [...chain, flat];
      if (layer !== undefined) chain.push(layer);
    }
    return chain;
  }

  /** Puts on record what shows all of a snapshot in one layer. */
  flatten(id: number, flat: Layer, bytes: bigint): void {
    transact(this.database, () => {
      this.database.prepare(`update layer set state = 'sealed' where layer = ?`).run(flat);
      this.database.prepare('update snapshot set flat = ?, flat_bytes = ? where id = ?').run(flat, bytes, id);
    });
  }

  /**
   * Removes, leaf to root, those of the candidates that nothing stands on: no snapshot, no template, no line, no
   * container. One that only containers hold is retired: it is looked at again by the next call. Answers the keys of
   * what was removed; their layers are `removing` then.
   */
  prune(candidates: Iterable<number>, containersOn: (snapshot: number) => number): readonly string[] {
    return transact(this.database, () => {
      const retired = this.all('select id from snapshot where retired = 1').map((row) => Number(row['id']));
      const open = new Set([...retired, ...candidates]);
      const gone: string[] = [];
      while (open.size > 0) {
        const id = Math.max(...open);
        open.delete(id);
        const snapshot = this.get(id);
        if (!snapshot || this.isHeld(id)) continue;
        if (containersOn(id) > 0) this.database.prepare('update snapshot set retired = 1 where id = ?').run(id);
        else {
          this.database.prepare('delete from snapshot where id = ?').run(id);
          for (const layer of [snapshot.layer, snapshot.flat])
            if (layer !== undefined)
              this.database.prepare(`update layer set state = 'removing' where layer = ?`).run(layer);
          if (snapshot.parent !== undefined) open.add(snapshot.parent);
          gone.push(snapshot.key);
        }
      }
      return gone;
    });
  }

  /** Which snapshots `work` would remove from the records; nothing is changed. */
  without(work: () => void): SnapshotRow[] {
    const before = this.list();
    this.database.exec('savepoint trial');
    try {
      work();
      const left = new Set(this.list().map(({ id }) => id));
      return before.filter(({ id }) => !left.has(id));
    } finally {
      this.database.exec('rollback to trial; release trial');
    }
  }

  private isHeld(id: number): boolean {
    const held = `select exists (select 1 from snapshot where parent = :id) or exists (select 1 from template where snapshot = :id)
      or exists (select 1 from template_line where snapshot = :id) as held`;
    return this.database.prepare(held).get({ id })?.['held'] === 1n;
  }

  private one(sql: string, ...values: SQLInputValue[]): SnapshotRow | undefined {
    const row = this.database.prepare(sql).get(...values);
    return row ? snapshotOf(row) : undefined;
  }

  private all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.database.prepare(sql).all(...values);
  }
}

function snapshotOf(row: Row): SnapshotRow {
  return {
    id: Number(row['id']),
    key: String(row['key']),
    parent: row['parent'] === null ? undefined : Number(row['parent']),
    text: String(row['text']),
    layer: row['layer'] === null ? undefined : Number(row['layer']),
    sizeBytes: BigInt(row['size_bytes'] as bigint),
    milliseconds: Number(row['milliseconds']),
    createdAt: String(row['created_at']),
    surroundings: JSON.parse(String(row['surroundings'])) as Surroundings,
    checked: row['checked'] === 1n,
    flat: row['flat'] === null ? undefined : Number(row['flat']),
    flatBytes: BigInt(row['flat_bytes'] as bigint),
  };
}
