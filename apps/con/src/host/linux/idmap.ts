import { closeSync, openSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { Problem } from '@berth/problem';
import { open } from './exec.js';
import { rangeWidth, type IdRange } from '../runtime.js';

/** The first user and group id of a range on the host. @throws Problem `invalid` beyond what ids can be. */
export function firstIdOf(config: Readonly<{ firstId: number }>, range: IdRange): number {
  const first = config.firstId + range * rangeWidth;
  if (Number.isSafeInteger(range) && range >= 0 && first + rangeWidth < 2 ** 32 - 1) return first;
  throw new Problem('invalid', `cannot use id range ${range}: it must be a whole number from 0, and its ids below 2³²`);
}

/**
 * Calls `use` with a user namespace in which ids from `stored` (on disk) appear as ids from `shown`: what an id-mapped
 * mount is made with. The namespace lives on in the mount.
 */
export async function withIdMap<T>(stored: number, shown: number, use: (userNamespace: number) => T): Promise<T> {
  const child = open(['unshare', '--user', 'cat'], { timeoutMs: 10_000 });
  try {
    child.input.write('\n');
    await Promise.race([once(child.output, 'data'), child.exit]); // an echo: `cat` is in its namespace by now
    const map = `${stored} ${shown} ${rangeWidth}\n`;
    for (const kind of ['uid_map', 'gid_map']) writeFileSync(`/proc/${child.pid}/${kind}`, map);
    const namespace = openSync(`/proc/${child.pid}/ns/user`, 'r');
    try {
      return use(namespace);
    } finally {
      closeSync(namespace);
    }
  } finally {
    child.input.end();
    await child.exit;
  }
}
