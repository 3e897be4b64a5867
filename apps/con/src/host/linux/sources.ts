import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { oneLineSources, stanzaSources, type Source } from './mirror.js';

/** The host's apt sources, in the order in which apt reads them. */
export function hostSources(): Source[] {
  const main = '/etc/apt/sources.list';
  const parts = '/etc/apt/sources.list.d';
  const names = existsSync(parts) ? readdirSync(parts).sort() : [];
  const lists = [main, ...names.filter((name) => name.endsWith('.list')).map((name) => `${parts}/${name}`)];
  const stanzas = names.filter((name) => name.endsWith('.sources')).map((name) => `${parts}/${name}`);
  return [
    ...lists.filter((path) => existsSync(path)).flatMap((path) => oneLineSources(readFileSync(path, 'utf8'))),
    ...stanzas.flatMap((path) => stanzaSources(readFileSync(path, 'utf8'))),
  ];
}
