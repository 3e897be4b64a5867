import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, mkdtemp, readdir, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Problem } from '@berth/problem';
import { pack, type Pack } from 'tar-stream';

/** A build's files as a tar of known length, until it is disposed of. */
export type PackedContext = AsyncDisposable & Readonly<{ file: string; bytes: bigint }>;

/** Packs all below a directory, `.git` excepted, into a temporary file that its owner alone may read. */
export async function packContext(directory: string, leftOut: (path: string) => void): Promise<PackedContext> {
  const home = await mkdtemp(join(tmpdir(), 'con-context-'));
  const dispose = (): Promise<void> => rm(home, { recursive: true, force: true });
  try {
    const file = join(home, 'context.tar');
    const tar = pack();
    const written = pipeline(tar, createWriteStream(file, { mode: 0o600 }));
    await Promise.all([addAll(tar, directory, '', leftOut).then(() => tar.finalize()), written]);
    const { size } = await stat(file, { bigint: true });
    return { file, bytes: size, [Symbol.asyncDispose]: dispose };
  } catch (cause) {
    await dispose();
    throw new Problem('invalid', `cannot pack ${directory} for COPY`, { cause });
  }
}

/** In the order of the names, so that the same directory is the same tar. */
async function addAll(tar: Pack, root: string, below: string, leftOut: (path: string) => void): Promise<void> {
  const names = (await readdir(join(root, below))).sort();
  for (const name of names) {
    if (name !== '.git') await add(tar, root, below === '' ? name : `${below}/${name}`, leftOut);
  }
}

async function add(tar: Pack, root: string, path: string, leftOut: (path: string) => void): Promise<void> {
  const from = join(root, path);
  const found = await lstat(from);
  const header = { name: path, mode: found.mode & 0o7777, mtime: found.mtime };
  if (found.isSymbolicLink()) tar.entry({ ...header, type: 'symlink', linkname: await readlink(from) });
  else if (found.isFile()) await pipeline(createReadStream(from), tar.entry({ ...header, size: found.size }));
  else if (found.isDirectory()) {
    tar.entry({ ...header, type: 'directory' });
    await addAll(tar, root, path, leftOut);
  } else leftOut(path);
}
