import type { Snapshot } from '@berth/site-api';
import { describe, expect, it } from 'vitest';
import { railsOf } from './rails.js';

const made = { createdAt: '2026-01-01T00:00:00.000Z', sizeBytes: 1n, milliseconds: 1, templates: [], containers: 0 };
const snapshot = (id: string, parent?: string): Snapshot => ({ id, text: id, ...made, ...(parent ? { parent } : {}) });
const shape = (snapshots: Snapshot[]) =>
  railsOf(snapshots).map(({ snapshot: { id }, rail, passing, leaving }) => [id, rail, passing, leaving]);

describe('The picture of a tree', () => {
  it('draws a chain straight down, however long', () => {
    const chain = Array.from({ length: 5_000 }, (_, at) => snapshot(`${at}`, at === 0 ? undefined : `${at - 1}`));
    const rows = railsOf(chain);
    expect(rows.map(({ rail }) => rail)).toEqual(chain.map(() => 0));
    expect([rows[0]?.hasParent, rows.at(-1)?.hasChild]).toEqual([false, false]);
  });

  it('opens a rail where it forks, lets it pass by what stands between, and gives it free afterwards', () => {
    const forked = [snapshot('a'), snapshot('b', 'a'), snapshot('c', 'b'), snapshot('d', 'a'), snapshot('e', 'd')];
    expect(shape([...forked, snapshot('x'), snapshot('y', 'x'), snapshot('z', 'x')])).toEqual([
      ['a', 0, [], [1]],
      ['b', 0, [1], []],
      ['c', 0, [1], []],
      ['d', 1, [], []],
      ['e', 1, [], []],
      ['x', 0, [], [1]],
      ['y', 0, [1], []],
      ['z', 1, [], []],
    ]);
  });

  it('shows what stands on something that is not told of as a root', () => {
    expect(shape([snapshot('b', 'gone')])).toEqual([['b', 0, [], []]]);
  });
});
