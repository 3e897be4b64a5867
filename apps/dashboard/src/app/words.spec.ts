import { de, en } from '@berth/i18n';
import { describe, expect, it } from 'vitest';
import { safePath } from './session/session-store.js';
import { typedNanos } from './admin/amount.js';

type Tree = { readonly [key: string]: string | Tree };
const sentences = (tree: Tree, path = ''): [string, string][] =>
  Object.entries(tree).flatMap(([key, it]) =>
    typeof it === 'string' ? [[`${path}${key}`, it] as [string, string]] : sentences(it, `${path}${key}.`),
  );
const blanks = (text: string) => [...text.matchAll(/{{ *(\w+) *}}/g)].map(([, name]) => name).sort();

describe('the two languages', () => {
  it('have the same sentences with the same blanks, and none is empty', () => {
    const german = new Map(sentences(de));
    const english = sentences(en);
    expect([...german.keys()].sort()).toEqual(english.map(([key]) => key).sort());
    for (const [key, text] of english) expect([key, blanks(german.get(key)!)]).toEqual([key, blanks(text)]);
    expect([...german.values()].every((text) => text.trim() !== '')).toBe(true);
  });
});

describe('the way back after signing in', () => {
  it('stays on this site', () => {
    expect(safePath('/billing?x=1')).toBe('/billing?x=1');
    for (const foreign of ['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:1', '', undefined])
      expect(safePath(foreign)).toBe('/');
  });
});

describe('an amount as it is typed', () => {
  it('becomes nanos without a detour', () => {
    expect(['25', '12.50', '12,5', '0.01'].map(typedNanos)).toEqual([
      25_000_000_000n,
      12_500_000_000n,
      12_500_000_000n,
      10_000_000n,
    ]);
    for (const wrong of ['', '0', '-1', '1.234', '1e3', 'x', '1.000,00']) expect(typedNanos(wrong)).toBeUndefined();
  });
});
