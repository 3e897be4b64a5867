import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Problem } from '@berth/problem';
import type { Config } from './config.js';

/** What two daemons must not share, and how to give one another. */
type Claim = Readonly<{ file: string; why: string; cure: string; isShared?: boolean }>;

/**
 * Keeps a second daemon out of what a first one works with: its home, its short-lived files, and, on a real host, the
 * names of all that it makes there. The kernel lets go of a lock when the process ends, however it ends, so a killed
 * daemon leaves nothing to clean up.
 * @throws Problem `conflict` while another daemon has one of them; nothing has been touched then.
 */
export function lockAll({ home, runDirectory, name, driver }: Config): () => void {
  const claims: Claim[] = [
    { file: `${home}/daemon.lock`, why: `works in ${home}`, cure: '--home' },
    { file: `${runDirectory}/run.lock`, why: `keeps its files in ${runDirectory}`, cure: '--run-directory' },
    ...(driver === 'linux'
      ? [{ file: `/run/berth-${name}.lock`, why: `is called ${name}`, cure: '--name', isShared: true }]
      : []),
  ];
  const locks: (() => void)[] = [];
  const unlock = (): void => locks.reverse().forEach((release) => release());
  try {
    for (const claim of claims) locks.push(lock(claim));
    return unlock;
  } catch (error) {
    unlock();
    throw error;
  }
}

function lock({ file, why, cure, isShared = false }: Claim): () => void {
  const held = open(file);
  try {
    held.exec('pragma journal_mode = memory; pragma locking_mode = exclusive; begin exclusive; commit');
  } catch (cause) {
    held.close();
    const message = `cannot start: another con ${why}; stop it, or give this one another ${cure}`;
    throw new Problem('conflict', message, { cause });
  }
  return () => {
    if (isShared) rmSync(file, { force: true }); // while it is ours: the directory is the host's
    held.close();
  };
}

function open(file: string): DatabaseSync {
  try {
    return new DatabaseSync(file);
  } catch (cause) {
    throw new Problem('forbidden', `cannot start: ${file} cannot be written; run con as root, or with --driver fake`, {
      cause,
    });
  }
}
