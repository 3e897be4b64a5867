import { existsSync, mkdirSync, renameSync, rmSync, closeSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import { countSimply, isBtrfs } from './btrfs.js';
import { must } from './exec.js';
import { isMounted } from './mounts.js';
import { attachLoop, mountDisk } from './syscalls.js';

/**
 * The btrfs file system that layers and volumes live in: home itself where it is one, and otherwise a file in home,
 * which takes its whole size from the start, so that a host that fills up takes nothing from those who write to it.
 */
export class Pool {
  /** Whether the kernel bounds what each container writes. */
  isBounding = false;

  constructor(private readonly config: Pick<Config, 'home' | 'poolBytes'>) {}

  get path(): string {
    return `${this.config.home}/pool`;
  }

  /** Made once, and mounted. Already mounted is success. */
  async prepare(): Promise<void> {
    mkdirSync(this.config.home, { recursive: true, mode: 0o700 });
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    if (!isBtrfs(this.path)) {
      const image = `${this.config.home}/pool.btrfs`;
      if (!existsSync(image)) await this.make(image);
      if (!isMounted(this.path)) this.mount(image);
    }
    this.isBounding = countSimply(this.path);
  }

  private async make(image: string): Promise<void> {
    const draft = `${image}.new`;
    rmSync(draft, { force: true });
    const { bavail, bsize } = await statfs(this.config.home, { bigint: true });
    const bytes = BigInt(this.config.poolBytes ?? (bavail * bsize) / 2n);
    try {
      await must(['fallocate', '--length', `${bytes}`, draft], { timeoutMs: 10 * 60_000 });
      await must(['mkfs.btrfs', '--quiet', '--nodiscard', draft], { timeoutMs: 60_000 });
      await must(['sync', draft], { timeoutMs: 60_000 });
    } catch (cause) {
      rmSync(draft, { force: true });
      const cure = 'set poolBytes to what the disk has, and install btrfs-progs';
      throw new Problem('unavailable', `cannot make a pool of ${bytes} bytes in ${this.config.home}: ${cure}`, {
        cause,
      });
    }
    renameSync(draft, image);
  }

  /** What is deleted stays the pool's: given back to the host, somebody else might take it. */
  private mount(image: string): void {
    const { device, file } = attachLoop(image);
    try {
      mountDisk('btrfs', device, this.path, 'nodiscard');
    } finally {
      closeSync(file);
    }
  }
}
