import { createReadStream } from 'node:fs';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack, type Pack } from 'tar-stream';
import type { Context, Entry } from './context.js';
import type { Picked } from './copy.js';

/** Unpacks standard input at the root, keeping directories and links to directories that the image has. */
export const unpack: readonly string[] = [
  'tar',
  '--extract',
  '--file=-',
  '--directory=/',
  '--preserve-permissions',
  '--numeric-owner',
  '--keep-directory-symlink',
  '--no-overwrite-dir',
];

/** What a COPY picked, as a tar that belongs to root: a stream out of the context's own file, whatever its size. */
export function packed(context: Context, picked: Picked): Readable {
  const archive = pack();
  fill(archive, context, picked).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return Readable.from(archive);
}

async function fill(archive: Pack, context: Context, picked: Picked): Promise<void> {
  const wanted = new Map<string, string[]>();
  for (const [name, entry] of picked) {
    if (entry.type === 'file') wanted.set(entry.content ?? '', [...(wanted.get(entry.content ?? '') ?? []), name]);
    else await written(archive, name, entry);
  }
  if (wanted.size === 0) return;
  const source = extract();
  const fed = pipeline(createReadStream(context.file), source);
  for await (const { header, ...found } of entriesOf(source)) {
    const [first, ...others] = wanted.get(plain(header.name)) ?? [];
    const entry = first === undefined ? undefined : picked.get(first);
    if (header.type === 'directory' || first === undefined || !entry) {
      found.skip();
      continue;
    }
    const sink = archive.entry({ ...ownedByRoot(first, entry), type: 'file', size: entry.size }) as unknown as Writable;
    await pipeline(found.body, sink);
    for (const name of others) await written(archive, name, entry, first);
  }
  await fed;
}

async function* entriesOf(
  source: ReturnType<typeof extract>,
): AsyncGenerator<{ header: { name: string; type?: string | null }; body: Readable; skip: () => void }> {
  for await (const entry of source) {
    yield {
      header: entry.header as { name: string; type?: string | null },
      body: Readable.from(entry),
      skip: () => entry.resume(),
    };
  }
}

/** A directory, a symlink, or (`to`) a hard link to a file that was written already. */
async function written(archive: Pack, name: string, entry: Entry, to?: string): Promise<void> {
  const common = ownedByRoot(name, entry);
  const header =
    to !== undefined
      ? { ...common, type: 'link' as const, linkname: to }
      : entry.type === 'directory'
        ? { ...common, type: 'directory' as const }
        : { ...common, type: 'symlink' as const, linkname: entry.link ?? '' };
  await new Promise<void>((resolve, reject) => {
    archive.entry(header, (error) => (error ? reject(error) : resolve()));
  });
}

function ownedByRoot(
  name: string,
  { mode, mtime }: Entry,
): { name: string; mode: number; mtime: Date; uid: number; gid: number; uname: string; gname: string } {
  return { name, mode, mtime, uid: 0, gid: 0, uname: 'root', gname: 'root' };
}

function plain(name: string): string {
  return name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}
