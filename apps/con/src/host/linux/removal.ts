import { randomUUID } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, renameSync } from 'node:fs';
import { destroySubvolume, isSubvolume } from './btrfs.js';
import { must } from './exec.js';

/** How long walking or removing a tree may take: a million files, on a busy disk. */
export const walkMs = 10 * 60_000;

/** Removes a tree in two steps, so that it is never there by half. Already absent is success. */
export async function discard(path: string, removed: string): Promise<void> {
  if (!existsSync(path)) return;
  const moved = `${removed}/${randomUUID()}`;
  renameSync(path, moved);
  await removeAll(moved);
}

/** `rm` walks by opened directories, follows no link whatever a container left there, and stays on this disk. */
export async function removeAll(path: string): Promise<void> {
  if (!existsSync(path) || !lstatSync(path).isDirectory()) return walk(path);
  for (const name of readdirSync(path)) await removeSubvolume(`${path}/${name}`);
  if (await removeSubvolume(path)) return;
  await walk(path);
}

async function walk(path: string): Promise<void> {
  await must(['rm', '-rf', '--one-file-system', '--', path], { timeoutMs: walkMs });
}

/** At once, whatever its size. What a container made into subvolumes inside it is walked first. Anything else stays. */
async function removeSubvolume(path: string): Promise<boolean> {
  if (!isSubvolume(path)) return false;
  if (!destroySubvolume(path)) await must(['rm', '-rf', '--', path], { timeoutMs: walkMs });
  return true;
}
