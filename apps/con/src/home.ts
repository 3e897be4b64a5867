import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '@berth/problem';
import type { Config } from './config.js';

/**
 * A home belongs to the kind of host that it was begun with: containers of a real one go on running while a fake one
 * would call them failed, and stop billing them. @throws Problem `conflict`
 */
export function mustBeHomeOf({ home, driver }: Pick<Config, 'home' | 'driver'>): void {
  const note = join(home, 'driver');
  const begun = existsSync(note) ? readFileSync(note, 'utf8').trim() : guess(home);
  if (begun !== undefined && begun !== driver) {
    const cure = `start con with --driver ${begun}, or give it another --home`;
    throw new Problem('conflict', `cannot start: ${home} holds containers of the driver ${begun}; ${cure}`);
  }
  if (!existsSync(note)) writeFileSync(note, `${driver}\n`, { mode: 0o600, flush: true });
}

/** Of a home that is older than the note. */
function guess(home: string): Config['driver'] | undefined {
  if (!existsSync(join(home, 'con.db'))) return undefined;
  return existsSync(join(home, 'fake')) ? 'fake' : 'linux';
}
