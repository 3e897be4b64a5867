import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import { BtrfsLayers } from './btrfs-layers.js';
import { OverlayLayers } from './layers.js';
import type { Lines } from './line.js';

/** Where bytes lie on a real host. */
export type Storage = OverlayLayers | BtrfsLayers;

/** The kind that is configured. */
export function storageOf(config: Config, lines: Pick<Lines, 'line' | 'clearLines'>): Storage {
  return config.storage === 'btrfs' ? new BtrfsLayers(config, lines) : new OverlayLayers(config, lines);
}

/** Puts the kind down in home at its first use. @throws Problem `conflict` where home holds what the other kind wrote. */
export function settleStorage({ home, storage }: Pick<Config, 'home' | 'storage'>): void {
  const path = `${home}/storage`;
  const before = existsSync(path)
    ? readFileSync(path, 'utf8').trim()
    : existsSync(`${home}/layers`)
      ? 'overlay'
      : undefined;
  if (before !== undefined && before !== storage) {
    const cure = `set storage to ${before}, or take another home`;
    throw new Problem('conflict', `cannot use ${storage} in ${home}: what it holds lies on ${before}; ${cure}`);
  }
  if (existsSync(path)) return;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, `${storage}\n`, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
