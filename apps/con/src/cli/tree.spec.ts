import { describe, expect, it } from '@jest/globals';
import type { Snapshot } from '@berth/con-protocol';
import { tree, type Line } from './tree.js';

const snapshot = (id: string, parent: string | undefined, more: Partial<Snapshot> = {}): Snapshot => ({
  id,
  ...(parent === undefined ? {} : { parent }),
  text: `RUN ${id}`,
  createdAt: '2026-01-01T00:00:00Z',
  sizeBytes: 1_024n,
  milliseconds: 10,
  templates: [],
  containers: 0,
  ...more,
});

const plain = (line: Line): string =>
  line.map((part) => (typeof part === 'string' ? part : `*${part.strong}*`)).join('');

describe('tree', () => {
  it('draws a line each, goes in where it forks, and lets templates stand out', () => {
    const lines = tree([
      snapshot('base', undefined, { text: 'FROM debian:trixie' }),
      snapshot('apt', 'base'),
      snapshot('nginx', 'apt', { templates: ['web:1'], containers: 2 }),
      snapshot('python', 'apt'),
      snapshot('django', 'python', { templates: ['django:4.2', 'django:lts'], containers: 1 }),
    ]);
    expect(lines.map(plain)).toEqual([
      'FROM debian:trixie  1.0 KiB, 10 ms',
      'RUN apt  1.0 KiB, 10 ms',
      '├─ RUN nginx  1.0 KiB, 10 ms  *[web:1]*  2 containers',
      '└─ RUN python  1.0 KiB, 10 ms',
      '   RUN django  1.0 KiB, 10 ms  *[django:4.2]*  *[django:lts]*  1 container',
    ]);
  });

  it('draws a snapshot whose parent is unknown as a root', () => {
    expect(tree([snapshot('a', 'gone')]).map(plain)).toEqual(['RUN a  1.0 KiB, 10 ms']);
  });

  it('draws nothing of nothing', () => {
    expect(tree([])).toEqual([]);
  });
});
