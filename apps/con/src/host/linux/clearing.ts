import { existsSync, rmdirSync } from 'node:fs';
import { mountPoints } from './mounts.js';
import { unmount } from './syscalls.js';

/** Not mounted is success. */
export async function clearMount(path: string): Promise<void> {
  if (mountPoints().has(path)) await unmount(path);
}

/** Removes directories that things were mounted on. */
export function removeEmpty(...paths: readonly string[]): void {
  for (const path of paths) if (existsSync(path)) rmdirSync(path);
}
