import { faultAt, type Confile } from '@berth/confile';
import { Problem } from '@berth/problem';
import { nameOf, type Key } from './key.js';
import { suites } from './plan.js';
import type { TemplateRow } from './progress.js';

/**
 * The snapshot that FROM names; `undefined` for a distribution.
 *
 * @throws ConfileFault for one that cannot be, Problem `not_found` or `conflict` for a template of which no build became ready yet
 */
export function standsOn({ from }: Confile, key: Key, find: (key: Key) => TemplateRow | undefined): number | undefined {
  if (from.name === 'debian') {
    if (suites.includes(from.version)) return undefined;
    throw faultAt(
      from,
      `there is no debian:${from.version}: use ${suites.map((suite) => `debian:${suite}`).join(' or ')}`,
    );
  }
  if (nameOf(from) === nameOf(key)) throw faultAt(from, 'a template cannot stand on itself');
  const row = find(from);
  const where = `cannot build ${nameOf(key)}: line ${from.line} stands on ${nameOf(from)}, which is`;
  if (!row) throw new Problem('not_found', `${where} not there; build it first`);
  if (row.snapshot === undefined) throw new Problem('conflict', `${where} ${row.state}`);
  return row.snapshot;
}
