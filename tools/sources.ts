import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');

/** A clone may belong to somebody else than who runs it (root in a container); git refuses that unless told. */
const ofAnyOwner = ['-c', `safe.directory=${root}`];

export type Source = Readonly<{ path: string; text: string }>;

/** The path of every file that git tracks or would track, where it matches. */
export function sourcePaths(pattern: RegExp): readonly string[] {
  const listed = execFileSync('git', [...ofAnyOwner, 'ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return [...new Set(listed.split('\0'))]
    .filter((path) => pattern.test(path) && existsSync(resolve(root, path)))
    .sort();
}

export function sources(pattern: RegExp): readonly Source[] {
  return sourcePaths(pattern).map((path) => ({ path, text: readFileSync(resolve(root, path), 'utf8') }));
}
