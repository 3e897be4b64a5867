import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Problem } from '@berth/problem';
import ignore from 'ignore';
import { pack, type Pack } from 'tar-stream';

/** A build's files as a tar of known length, until it is disposed of. */
export type PackedContext = AsyncDisposable & Readonly<{ file: string; bytes: bigint }>;

/**
 * Packs all below a directory into a temporary file that its owner alone may read. `.git` is left out, and what the
 * directory's `.conignore` names, in the way of a `.gitignore`.
 */
export async function packContext(directory: string, leftOut: (path: string) => void): Promise<PackedContext> {
  const home = await mkdtemp(join(tmpdir(), 'con-context-'));
  const dispose = (): Promise<void> => rm(home, { recursive: true, force: true });
  try {
    const file = join(home, 'context.tar');
    const tar = pack();
    const written = pipeline(tar, createWriteStream(file, { mode: 0o600 }));
    await Promise.all([
      addAll({ tar, root: directory, ignored: await ignoredIn(directory), leftOut }, '').then(() => tar.finalize()),
      written,
    ]);
    const { size } = await stat(file, { bigint: true });
    return { file, bytes: size, [Symbol.asyncDispose]: dispose };
  } catch (cause) {
    await dispose();
    throw new Problem('invalid', `cannot pack ${directory} for COPY`, { cause });
  }
}

type Packing = Readonly<{
  tar: Pack;
  root: string;
  /** By a path below the root; a directory's ends in `/`. */
  ignored: (path: string) => boolean;
  leftOut: (path: string) => void;
}>;

async function ignoredIn(directory: string): Promise<(path: string) => boolean> {
  const rules = ignore().add('.git');
  try {
    rules.add(await readFile(join(directory, '.conignore'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return (path) => rules.ignores(path);
}

/** In the order of the names, so that the same directory is the same tar. */
async function addAll(packing: Packing, below: string): Promise<void> {
  const names = (await readdir(join(packing.root, below))).sort();
  for (const name of names) await add(packing, below === '' ? name : `${below}/${name}`);
}

async function add(packing: Packing, path: string): Promise<void> {
  const { tar, root, ignored, leftOut } = packing;
  const from = join(root, path);
  const found = await lstat(from);
  if (ignored(found.isDirectory() ? `${path}/` : path)) return;
  const header = { name: path, mode: found.mode & 0o7777, mtime: found.mtime };
  if (found.isSymbolicLink()) tar.entry({ ...header, type: 'symlink', linkname: await readlink(from) });
  else if (found.isFile()) await pipeline(createReadStream(from), tar.entry({ ...header, size: found.size }));
  else if (found.isDirectory()) {
    tar.entry({ ...header, type: 'directory' });
    await addAll(packing, path);
  } else leftOut(path);
}
