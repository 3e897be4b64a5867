import { resolve } from 'node:path';
import { root } from './sources.ts';

/**
 * Where everything that outlives a command is kept. Root's containers and database must be reachable for other users,
 * which a clone below /root is not; without root it stays inside the clone.
 */
export function stateDirectory(): string {
  return process.env['BERTH_STATE'] ?? (process.getuid?.() === 0 ? '/var/lib/berth' : resolve(root, '.berth'));
}
