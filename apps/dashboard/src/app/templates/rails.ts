import type { Snapshot } from '@berth/site-api';

/**
 * A snapshot in the picture of a tree that grows downwards. Rails are columns counted from 0: its own, those that pass by,
 * and those that leave it for further children.
 */
export type RailRow = Readonly<{
  snapshot: Snapshot;
  rail: number;
  hasParent: boolean;
  hasChild: boolean;
  passing: readonly number[];
  leaving: readonly number[];
}>;

/** Roots first, a chain going straight down; only where the tree forks is there another rail. Pure. */
export function railsOf(snapshots: readonly Snapshot[]): RailRow[] {
  const below = childrenOf(snapshots);
  const rows: RailRow[] = [];
  const taken = new Set<number>();
  // An explicit stack: a chain may be thousands of lines long.
  const stack = (below.get('') ?? []).toReversed().map((snapshot) => ({ snapshot, rail: 0, hasParent: false }));
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { snapshot, rail, hasParent } = next;
    taken.add(rail);
    const [first, ...others] = below.get(snapshot.id) ?? [];
    const passing = [...taken].filter((one) => one !== rail).sort((a, b) => a - b);
    const leaving = others.map(() => {
      const free = firstFree(taken);
      taken.add(free);
      return free;
    });
    rows.push({ snapshot, rail, hasParent, hasChild: first !== undefined, passing, leaving });
    if (!first) taken.delete(rail);
    // What was opened last is nearest to the right, and is drawn last.
    for (const [at, child] of others.entries()) stack.push({ snapshot: child, rail: leaving[at]!, hasParent: true });
    if (first) stack.push({ snapshot: first, rail, hasParent: true });
  }
  return rows;
}

/** By the parent's id; roots, and what stands on something that is not told of, by the empty one. */
function childrenOf(snapshots: readonly Snapshot[]): ReadonlyMap<string, readonly Snapshot[]> {
  const ids = new Set(snapshots.map(({ id }) => id));
  const below = new Map<string, Snapshot[]>();
  for (const snapshot of snapshots) {
    const parent = snapshot.parent !== undefined && ids.has(snapshot.parent) ? snapshot.parent : '';
    const known = below.get(parent);
    if (known) known.push(snapshot);
    else below.set(parent, [snapshot]);
  }
  return below;
}

function firstFree(taken: ReadonlySet<number>): number {
  let rail = 0;
  while (taken.has(rail)) rail += 1;
  return rail;
}
