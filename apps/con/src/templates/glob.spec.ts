import { expect, it } from '@jest/globals';
import { fits } from './glob.js';

it.each([
  ['app.py', '*.py', true],
  ['app.py', 'a?p.*', true],
  ['app.py', '*', true],
  ['app.py', '*.p', false],
  ['app.py', '?', false],
  ['src/app.py', '*', false],
  ['src/app.py', '*/*.py', true],
  ['src/app.py', 'src/*', true],
  ['src/app.py', 's*c/*p*y', true],
  ['aXbXc', 'a*b*c', true],
  ['aXbX', 'a*b*c', false],
  ['a.b', 'a?b**', true],
  ['ab', 'a[b]', false],
])('%s against %s: %s', (path, pattern, expected) => {
  expect(fits(path, pattern)).toBe(expected);
});

it('no pattern takes for ever', () => {
  const name = 'a'.repeat(100_000);
  expect(fits(name, `${'*a'.repeat(50)}*b`)).toBe(false);
});
