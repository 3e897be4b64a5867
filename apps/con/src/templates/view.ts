import type { Snapshot, Step, Template } from '@berth/con-protocol';
import { idOf, nameOf } from './key.js';
import type { TemplateRow } from './progress.js';
import type { SnapshotRow } from './records.js';

/** A template as con's callers see it. */
export function templateOf(row: TemplateRow, steps: readonly Step[]): Template {
  const { name, version, state, createdAt, line, reason, surroundings, snapshot, milliseconds } = row;
  return {
    name,
    version,
    state,
    createdAt,
    ...(line === undefined ? {} : { line }),
    lines: steps.length,
    ...(reason === undefined ? {} : { reason }),
    sizeBytes: steps.reduce((sum, { sizeBytes = 0n }) => sum + sizeBytes, 0n),
    milliseconds: state === 'building' ? Math.max(0, Date.now() - Date.parse(createdAt)) : milliseconds,
    labels: { ...surroundings.labels },
    ports: [...surroundings.ports],
    ...(state === 'ready' && snapshot !== undefined ? { snapshot: idOf(snapshot) } : {}),
  };
}

/** Every snapshot with the templates that end there, and how many containers stand on it. */
export function treeOf(
  snapshots: readonly SnapshotRow[],
  templates: readonly TemplateRow[],
  containersOn: (snapshot: string) => number,
): Snapshot[] {
  const ready = templates.filter(({ state }) => state === 'ready');
  return snapshots.map(({ id, parent, text, createdAt, sizeBytes, milliseconds }) => ({
    id: idOf(id),
    ...(parent === undefined ? {} : { parent: idOf(parent) }),
    text,
    createdAt,
    sizeBytes,
    milliseconds,
    templates: ready.filter(({ snapshot }) => snapshot === id).map(nameOf),
    containers: containersOn(idOf(id)),
  }));
}
