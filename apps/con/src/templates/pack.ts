import { createReadStream } from 'node:fs';
import { posix } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Owner } from '@berth/confile';
import { extract, pack, type Pack } from 'tar-stream';
import type { Context, Entry } from './context.js';
import type { Landing, Picked } from './copy.js';

const tar = 'tar --extract --file=- --preserve-permissions --numeric-owner --keep-directory-symlink --no-overwrite-dir';

/**
 * Unpacks standard input, keeping directories and links to directories that the image has. Paths are looked up by the
 * shell of the image, in the line's own container: a link in it leads nowhere else.
 * $1: where to; $2: empty, or what a single file is called where that is a directory, as sed(1) wants it.
 */
const script = `
if [ -z "$2" ]; then
  if [ ! -d "$1" ] && { [ -e "$1" ] || [ -L "$1" ]; }; then echo "cannot copy a directory to $1: it is a file" >&2; exit 1; fi
  exec ${tar} --directory=/
fi
if [ -d "$1" ]; then exec ${tar} --directory="$1" --transform="s/.*/$2/"; fi
mkdir -p -- "$(dirname -- "$1")" && exec ${tar} --directory="$(dirname -- "$1")"`;

export function unpack({ path, name = '' }: Landing): readonly string[] {
  return ['/bin/sh', '-c', script, 'con', path, name.replace(/[\\/&]/g, '\\$&')];
}

/** Tells the numbers of a user and a group by the image's own lists: `33 33`. A user alone is a group of the same number. */
export function askOwner({ user, group = '' }: Owner): readonly string[] {
  const ask = `
user=$(id -u -- "$1" 2>/dev/null) || { echo "there is no user $1" >&2; exit 1; }
case "$2" in '') group=$user;; *[!0-9]*) group=$(getent group -- "$2" | cut -d: -f3);; *) group=$2;; esac
[ -n "$group" ] || { echo "there is no group $2" >&2; exit 1; }
echo "$user $group"`;
  return ['/bin/sh', '-c', ask, 'con', user, group];
}

/** Numbers need no list. */
export function numbersOf({ user, group = user }: Owner): Ids | undefined {
  return /^\d+$/.test(user) && /^\d+$/.test(group) ? { uid: Number(user), gid: Number(group) } : undefined;
}

export type Ids = Readonly<{ uid: number; gid: number }>;
export const root: Ids = { uid: 0, gid: 0 };

/** What a COPY picked, as a tar: a stream out of the context's own file, whatever its size. */
export function packed(context: Context | undefined, picked: Picked, landing: Landing, ids: Ids): Readable {
  const archive = pack();
  // One file goes where the shell of the image says; what lies above it, too.
  const single = landing.name === undefined ? undefined : picked.get(landing.path.slice(1));
  const files = single ? new Map([[posix.basename(landing.path), single]]) : picked;
  fill(archive, context, files, ids).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return Readable.from(archive);
}

async function fill(archive: Pack, context: Context | undefined, picked: Picked, ids: Ids): Promise<void> {
  const wanted = new Map<string, string[]>();
  for (const [name, entry] of picked) {
    if (entry.inline) archive.entry({ ...owned(name, entry, ids), type: 'file' }, entry.inline);
    else if (entry.type === 'file') wanted.set(entry.content ?? '', [...(wanted.get(entry.content ?? '') ?? []), name]);
    else await written(archive, name, entry, ids);
  }
  if (wanted.size === 0 || !context) return;
  const source = extract();
  const fed = pipeline(createReadStream(context.file), source);
  for await (const { header, ...found } of entriesOf(source)) {
    const [first, ...others] = wanted.get(plain(header.name)) ?? [];
    const entry = first === undefined ? undefined : picked.get(first);
    if (header.type === 'directory' || first === undefined || !entry) {
      found.skip();
      continue;
    }
    const sink = archive.entry({ ...owned(first, entry, ids), type: 'file', size: entry.size }) as unknown as Writable;
    await pipeline(found.body, sink);
    for (const name of others) await written(archive, name, entry, ids, first);
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
async function written(archive: Pack, name: string, entry: Entry, ids: Ids, to?: string): Promise<void> {
  const common = owned(name, entry, ids);
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

function owned(
  name: string,
  { mode, mtime }: Entry,
  ids: Ids,
): { name: string; mode: number; mtime: Date; uid: number; gid: number } {
  return { name, mode, mtime, ...ids };
}

function plain(name: string): string {
  return name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}
