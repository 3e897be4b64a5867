import { randomUUID } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open as openFile } from 'node:fs/promises';
import { Problem } from '@berth/problem';
import { must, run } from './exec.js';
import { walkMs } from './removal.js';

const attributes = ['--numeric-owner', '--xattrs', '--xattrs-include=*'];

/**
 * Base systems as archives with ids from 0, so that several cons, or a host without a network, lay each down only once.
 * What lies there becomes part of every container: only root may write to it.
 */
export class BaseCache {
  constructor(private readonly directory: string) {}

  /**
   * Unpacks the archive of a name, where there is one; answers whether it did. A damaged one is removed, and `target`
   * holds the half of it then. @throws Problem `conflict` where others than root could have written it, `unavailable`
   * where the disk is full or the work was cancelled.
   */
  async unpack(name: string, target: string, signal: AbortSignal): Promise<boolean> {
    mustBeRoots(this.directory);
    const archive = this.archive(name);
    if (!existsSync(archive)) return false;
    mustBeRoots(archive);
    const words = [...attributes, '-C', target, '-xpf', archive];
    const { code, errors } = await run(['tar', ...words], { timeoutMs: walkMs, signal });
    if (code === 0) return true;
    if (errors.includes('No space left on device')) {
      const cause = Object.assign(new Error(errors.slice(-2000)), { code: 'ENOSPC' });
      throw new Problem('unavailable', `cannot unpack ${archive}: the disk is full`, { cause });
    }
    rmSync(archive, { force: true });
    return false;
  }

  /** Keeps a tree under a name. It is there whole or not at all, whatever happens meanwhile. */
  async keep(name: string, tree: string, signal: AbortSignal): Promise<void> {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    mustBeRoots(this.directory);
    const part = `${this.archive(name)}.${randomUUID()}.part`;
    try {
      writeFileSync(part, '', { mode: 0o600, flag: 'wx' });
      await must(['tar', ...attributes, '-C', tree, '-cf', part, '.'], { timeoutMs: walkMs, signal });
      const file = await openFile(part, 'r');
      await file.sync().finally(() => file.close());
      renameSync(part, this.archive(name));
    } finally {
      rmSync(part, { force: true });
    }
  }

  private archive(name: string): string {
    return `${this.directory}/${name}.tar`;
  }
}

/** Not there is as good as root's: whoever makes it is root. */
function mustBeRoots(path: string): void {
  if (!existsSync(path)) return;
  const stat = lstatSync(path);
  const isPlain = stat.isDirectory() || stat.isFile();
  if (isPlain && stat.uid === 0 && (stat.mode & 0o022) === 0) return;
  throw new Problem(
    'conflict',
    `cannot trust ${path} of baseCache: others than root can write to it; give it to root and take their right (chmod go-w), or remove it`,
  );
}
