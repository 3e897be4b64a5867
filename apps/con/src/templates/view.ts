import type { Snapshot, Step, Template } from '@berth/con-protocol';
import { idOf, nameOf } from './key.js';
import type { TemplateRow } from './progress.js';
import type { SnapshotRow } from './records.js';

/** The snapshots of what is in service, the nearest first; none where no build of it became ready yet. */
export type InService = readonly SnapshotRow[];

/** A template as con's callers see it: how its last build stands, beside what is in service. */
export function templateOf(row: TemplateRow, steps: readonly Step[], inService: InService): Template {
  const { name, version, state, createdAt, line, reason, milliseconds } = row;
  const [served] = inService;
  const { labels, ports } = served?.surroundings ?? row.surroundings;
  const sizes: readonly { sizeBytes?: bigint | undefined }[] = served ? inService : steps;
  return {
    name,
    version,
    state,
    createdAt,
    ...(line === undefined ? {} : { line }),
    lines: steps.length,
    ...(reason === undefined ? {} : { reason }),
    sizeBytes: sizes.reduce((sum, { sizeBytes = 0n }) => sum + sizeBytes, 0n),
    milliseconds: state === 'building' ? Math.max(0, Date.now() - Date.parse(createdAt)) : milliseconds,
    labels: { ...labels },
    ports: [...ports],
    ...(served ? { snapshot: idOf(served.id), digest: digestOf(served) } : {}),
  };
}

/** The same for what was made of the same lines and files, wherever. */
function digestOf({ key }: SnapshotRow): string {
  return `sha256:${key}`;
}

/** Every snapshot with the templates that end there, and how many containers stand on it. */
export function treeOf(
  snapshots: readonly SnapshotRow[],
  templates: readonly TemplateRow[],
  containersOn: (snapshot: string) => number,
): Snapshot[] {
  return snapshots.map(({ id, parent, text, createdAt, sizeBytes, milliseconds }) => ({
    id: idOf(id),
    ...(parent === undefined ? {} : { parent: idOf(parent) }),
    text,
    createdAt,
    sizeBytes,
    milliseconds,
    templates: templates.filter(({ snapshot }) => snapshot === id).map(nameOf),
    containers: containersOn(idOf(id)),
  }));
}
