import type { Snapshot } from '@berth/con-protocol';
import type { Strong } from './terminal.js';
import { shownBytes, shownTime } from './units.js';

export type Line = readonly (string | Strong)[];

/** The snapshots as the tree they are, a line each, the named templates standing out. Pure. */
export function tree(snapshots: readonly Snapshot[]): Line[] {
  const ids = new Set(snapshots.map(({ id }) => id));
  const roots = snapshots.filter(({ parent }) => parent === undefined || !ids.has(parent));
  return roots.flatMap((root) => branch(root, children(snapshots), '', ''));
}

function children(snapshots: readonly Snapshot[]): (of: Snapshot) => readonly Snapshot[] {
  const byParent = new Map<string, Snapshot[]>();
  for (const snapshot of snapshots) {
    if (snapshot.parent === undefined) continue;
    byParent.set(snapshot.parent, [...(byParent.get(snapshot.parent) ?? []), snapshot]);
  }
  return ({ id }) => byParent.get(id) ?? [];
}

/** A chain goes straight down; only where it forks do the branches move in, so that a hundred lines stay readable. */
function branch(
  snapshot: Snapshot,
  childrenOf: (of: Snapshot) => readonly Snapshot[],
  first: string,
  rest: string,
): Line[] {
  const below = childrenOf(snapshot);
  const line: Line = [first, ...words(snapshot)];
  const [only] = below;
  if (only && below.length === 1) return [line, ...branch(only, childrenOf, rest, rest)];
  return [
    line,
    ...below.flatMap((child, at) => {
      const last = at === below.length - 1;
      return branch(child, childrenOf, `${rest}${last ? '└─ ' : '├─ '}`, `${rest}${last ? '   ' : '│  '}`);
    }),
  ];
}

function words({ text, sizeBytes, milliseconds, templates, containers }: Snapshot): Line {
  const short = text.length > 72 ? `${text.slice(0, 71)}…` : text;
  const used = containers > 0 ? `  ${containers} ${containers === 1 ? 'container' : 'containers'}` : '';
  const names = templates.flatMap((name): Line => ['  ', { strong: `[${name}]` }]);
  return [`${short}  ${shownBytes(sizeBytes)}, ${shownTime(milliseconds)}`, ...names, used];
}
