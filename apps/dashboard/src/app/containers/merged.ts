import type { Container } from '@berth/site-api';

/** The new list, with the old object wherever nothing changed: a row whose values stand still costs nothing to show. */
export function merged(before: readonly Container[] | undefined, after: readonly Container[]): readonly Container[] {
  if (!before) return after;
  const known = new Map(before.map((container) => [container.id, container]));
  return after.map((container) => {
    const old = known.get(container.id);
    return old && isSame(old, container) ? old : container;
  });
}

/** `observedAt` moves with every answer and is not shown. */
function isSame(one: Container, other: Container): boolean {
  return written(one) === written(other);
}

function written({ observedAt: _, ...shown }: Container): string {
  return JSON.stringify(shown, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}
