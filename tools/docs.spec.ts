import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { settings } from '../apps/con/src/config.js';
import { page } from './con-methods.ts';
import { root, sources, type Source } from './sources.ts';

const pages = sources(/^(README|CHANGELOG|CONTRIBUTING|STYLE|docs\/.*|catalogue\/README|apps\/[^/]+\/README)\.md$/);
const text = (path: string): string => readFileSync(resolve(root, path), 'utf8');

/** `path: what` of everything that a pattern finds. */
function found(pattern: RegExp, within: readonly Source[] = pages): readonly string[] {
  return within.flatMap((one) => [...one.text.matchAll(pattern)].map((match) => `${one.path}: ${match[0]}`));
}

/** Places of one machine, and hosts that packages are fetched from: none of them is a reader's. */
const ofOneMachine = /(?<![\w.])\/(work|home|root|Users|tmp|mnt)\/\w[\w./-]*/g;
const registry = /\b(registry\.[a-z]|npmjs\.|pypi\.|ghcr\.io|docker\.io|proxy\.golang)[\w.-]*/g;

describe('what is written down', () => {
  it('has no link that leads nowhere', () => {
    const lost = pages.flatMap(({ path, text }) =>
      [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !existsSync(resolve(root, dirname(path), target)))
        .map((target) => `${path}: ${target}`),
    );
    expect(lost).toEqual([]);
  });

  it('names no path of one machine and no host of packages, and would see one', () => {
    expect([...found(ofOneMachine), ...found(registry)]).toEqual([]);
    const planted = { path: 'planted.md', text: 'see /home/someone/berth, from registry.example.org' };
    expect([...found(ofOneMachine, [planted]), ...found(registry, [planted])]).toHaveLength(2);
  });

  it("tells con's methods as the table has them; node tools/con-methods.ts writes them anew", () => {
    expect(text('docs/con-methods.md')).toBe(page());
  });

  it('tells every setting of con with its default', () => {
    const operations = text('docs/operations.md');
    const missing = settings.filter(
      ({ name, usual }) => !operations.includes(`| \`${name}\` | ${usual === undefined ? '' : `\`${usual}\` `}|`),
    );
    expect(missing.map(({ name, usual }) => `${name}: ${usual ?? 'no default'}`)).toEqual([]);
  });

  it('tells every setting of site', () => {
    const [, shape = ''] =
      /const Settings = z\.strictObject\(\{\n(.*?)\n\}\);/s.exec(text('apps/site/src/config.ts')) ?? [];
    const names = [...shape.matchAll(/^ {2}(\w+):/gm)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(10);
    const operations = text('docs/operations.md');
    expect(names.filter((name) => !operations.includes(`| \`${name}\` |`))).toEqual([]);
  });
});

describe('the promises of docs/security.md', () => {
  const promises =
    text('docs/security.md')
      .split('## Not yet')[0]!
      .match(/^- .*(\n {2}.*)*/gm) ?? [];
  const named = (promise: string) =>
    [...promise.matchAll(/`([\w./-]+\.(?:test|spec|e2e)\.ts)`: \*([^*]+)\*/g)].map(([, path = '', name = '']) => ({
      path,
      name: name.replace(/\s+/g, ' '),
    }));

  it('each name a test that holds it', () => {
    expect(promises.length).toBeGreaterThan(10);
    expect(promises.filter((promise) => named(promise).length === 0)).toEqual([]);
  });

  it('name tests that exist under these words', () => {
    const holds = ({ path, name }: { path: string; name: string }): boolean =>
      existsSync(resolve(root, path)) && text(path).replaceAll("\\'", "'").includes(name);
    expect(promises.flatMap(named).filter((test) => !holds(test))).toEqual([]);
  });
});
