import { parseConfile } from '@berth/confile';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Entry } from './context.js';
import { plan } from './plan.js';

const word = fc.stringMatching(/^[a-z]{1,8}$/);

const instruction = fc.oneof(
  word.map((text) => `RUN ${text}`),
  fc.tuple(word, word).map(([name, value]) => `ENV ${name.toUpperCase()}=${value}`),
  word.map((text) => `WORKDIR /${text}`),
  fc.integer({ min: 1, max: 65_535 }).map((port) => `EXPOSE ${port}`),
);

const instructions = fc.array(instruction, { minLength: 1, maxLength: 12 });

const keysOf = (lines: readonly string[], entries?: ReadonlyMap<string, Entry>): string[] =>
  plan(parseConfile(['FROM debian:bookworm', ...lines].join('\n')), undefined, entries).map(({ key }) => key);

const file = (digest: string, mode = 0o644): ReadonlyMap<string, Entry> =>
  new Map([['a', { path: 'a', type: 'file', mode, mtime: new Date(), size: 1, digest, content: 'a' }]]);

describe('The key of a line', () => {
  it('is the same for the same lines, whatever comments, blank lines and spaces stand around them', () => {
    fc.assert(
      fc.property(instructions, word, (lines, text) => {
        const dressed = lines.flatMap((line) => [`# ${text}`, '', line.replace(' ', '   ')]);
        expect(keysOf(dressed)).toEqual(keysOf(lines));
      }),
    );
  });

  it('depends on no line below it, and on every line above it', () => {
    fc.assert(
      fc.property(instructions, instructions, word, (above, below, text) => {
        const [plain, longer] = [keysOf(above), keysOf([...above, ...below])];
        expect(longer.slice(0, plain.length)).toEqual(plain);
        const other = keysOf([`RUN first ${text}`, ...above]);
        expect(plain.slice(1).filter((key) => other.includes(key))).toEqual([]);
      }),
    );
  });

  it('is no other line’s, also where a line is repeated', () => {
    fc.assert(
      fc.property(instructions, (lines) => {
        const keys = keysOf([...lines, ...lines]);
        expect(new Set(keys).size).toBe(keys.length);
      }),
    );
  });

  it('of RUN is another where a variable or the directory above it is another', () => {
    fc.assert(
      fc.property(word, word, word, (one, two, text) => {
        fc.pre(one !== two);
        expect(keysOf([`ENV A=${one}`, `RUN ${text}`])[2]).not.toBe(keysOf([`ENV A=${two}`, `RUN ${text}`])[2]);
        expect(keysOf([`WORKDIR /${one}`, `RUN ${text}`])[2]).not.toBe(keysOf([`WORKDIR /${two}`, `RUN ${text}`])[2]);
      }),
    );
  });

  it('of COPY is another where content or mode is another, and the same where they are the same', () => {
    fc.assert(
      fc.property(word, word, (one, two) => {
        fc.pre(one !== two);
        expect(keysOf(['COPY a /a'], file(one))).toEqual(keysOf(['COPY a /a'], file(one)));
        expect(keysOf(['COPY a /a'], file(one))[1]).not.toBe(keysOf(['COPY a /a'], file(two))[1]);
        expect(keysOf(['COPY a /a'], file(one))[1]).not.toBe(keysOf(['COPY a /a'], file(one, 0o755))[1]);
      }),
    );
  });
});
