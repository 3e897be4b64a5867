import { DatabaseSync } from 'node:sqlite';
import { Problem } from '@berth/problem';

/**
 * Keeps a second daemon out of a home. The kernel lets go of the lock when the process ends, however it ends, so a
 * killed daemon leaves nothing to clean up.
 * @throws Problem `conflict` while another daemon has it.
 */
export function lockHome(home: string): () => void {
  const lock = new DatabaseSync(`${home}/daemon.lock`);
  try {
    lock.exec('pragma journal_mode = delete; pragma locking_mode = exclusive; begin exclusive; commit');
  } catch (cause) {
    lock.close();
    throw new Problem(
      'conflict',
      `cannot start: another con works in ${home}; stop it, or give this one another --home`,
      { cause },
    );
  }
  return () => lock.close();
}
