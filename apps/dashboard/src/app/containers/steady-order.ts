import type { Container } from '@berth/site-api';

export type SortKey = 'createdAt' | 'name' | 'state' | 'app' | 'cpu' | 'memory' | 'cost';
export type Sort = Readonly<{ key: SortKey; descending: boolean }>;
export type Placed = Readonly<{ container: Container; isGone: boolean }>;

/**
 * The rows in the order they are shown. While a hand is on the table nobody moves: who is there keeps its place, also
 * on its way to the trash; who is gone leaves a ghost; who is new comes at the end. Otherwise: sorted, without the trash.
 */
export function placed(
  before: readonly Placed[],
  now: readonly Container[],
  sort: Sort,
  isHeld: boolean,
): readonly Placed[] {
  const live = now.filter(({ trashedUntil }) => trashedUntil === undefined);
  if (!isHeld) return live.sort(comparison(sort)).map((container) => ({ container, isGone: false }));
  const told = new Map(now.map((container) => [container.id, container]));
  const kept = before.map(({ container }) => {
    const latest = told.get(container.id);
    return { container: latest ?? container, isGone: latest === undefined };
  });
  const there = new Set(before.map(({ container }) => container.id));
  const added = live.filter(({ id }) => !there.has(id)).map((container) => ({ container, isGone: false }));
  return [...kept, ...added];
}

const valueOf: Readonly<Record<SortKey, (container: Container) => string | number | bigint>> = {
  createdAt: ({ createdAt }) => Date.parse(createdAt),
  name: ({ name }) => name,
  state: ({ state }) => state,
  app: ({ app }) => `${app.title} ${app.version}`,
  cpu: ({ numbers }) => numbers?.cpuMillis ?? -1,
  memory: ({ numbers }) => numbers?.memoryBytes ?? -1n,
  cost: ({ costTodayNanos }) => costTodayNanos,
};

/** Equal values stand in the order of their ids, so that two answers never sort differently. */
function comparison({ key, descending }: Sort): (a: Container, b: Container) => number {
  const value = valueOf[key];
  const sign = descending ? -1 : 1;
  return (a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left !== right) return left < right ? -sign : sign;
    return a.id < b.id ? -1 : 1;
  };
}
