import { describe, expect, it } from '@jest/globals';
import { commandApart } from './apart.js';

const apart = (line: string): string => commandApart(line.split(' ')).join(' ');

describe('a command for a container', () => {
  it.each([
    ['exec blog ls -l --json', 'exec blog -- ls -l --json'],
    ['containers exec blog ls -l', 'containers exec blog -- ls -l'],
    ['--socket /run/a exec --json blog ls -l', '--socket /run/a exec --json blog -- ls -l'],
    ['exec blog -- ls -l', 'exec blog -- ls -l'],
  ])('keeps its own options: %s', (typed, read) => {
    expect(apart(typed)).toBe(read);
  });

  it.each(['create exec nginx:1 --memory 1GiB', 'list --json', 'exec', '--socket exec list -x'])(
    'is looked for nowhere else: %s',
    (typed) => {
      expect(apart(typed)).toBe(typed);
    },
  );
});
