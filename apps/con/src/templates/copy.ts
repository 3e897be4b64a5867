import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { Act } from '@berth/confile';
import { Problem } from '@berth/problem';
import type { Entry } from './context.js';
import { fits } from './glob.js';

/** Where each thing copied goes, relative to the root of the container; parents stand before what is in them. */
export type Picked = ReadonlyMap<string, Entry>;

/** What is to be copied, and where to: variables replaced. */
type Copy = Pick<Extract<Act, { kind: 'copy' }>, 'sources' | 'destination' | 'inline' | 'mode'>;

/**
 * What a COPY takes out of a context, by the rules of Dockerfiles: a file to a file, a file into a directory (`dest/`),
 * of a directory all that is in it. What an image has already decides the rest; see `landingOf`.
 *
 * @throws Problem `invalid` where a source is missing
 */
export function pick(entries: ReadonlyMap<string, Entry>, copy: Copy): Picked {
  const picked = new Map<string, Entry>();
  const destination = copy.destination.replace(/^\/+|\/+$/g, '');
  const intoDirectory = copy.destination.endsWith('/');
  const put = (path: string, entry: Entry): Map<string, Entry> => picked.set(path, withMode(entry, copy.mode));
  for (const { name, content } of copy.inline ?? [])
    put(intoDirectory ? posix.join(destination, name) : destination, written(name, content));
  for (const source of copy.sources) {
    for (const path of matches(entries, source)) {
      const entry = followed(entries, path);
      if (entry && entry.type !== 'directory') {
        put(intoDirectory ? posix.join(destination, posix.basename(path)) : destination, entry);
      } else {
        if (destination !== '') put(destination, entry ?? bareDirectory);
        const inside = entry ? `${entry.path}/` : '';
        for (const child of entries.values()) {
          if (child.path.startsWith(inside)) put(posix.join(destination, child.path.slice(inside.length)), child);
        }
      }
    }
  }
  return new Map([...withParents(picked)].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Where it goes; `name` is what one file is called there, should there be a directory already. */
export type Landing = Readonly<{ path: string; name?: string }>;

export function landingOf(picked: Picked, { sources, inline = [], destination }: Copy): Landing {
  const path = destination === '/' ? '/' : destination.replace(/\/+$/, '');
  const entry = picked.get(path.slice(1));
  if (destination.endsWith('/') || entry?.type === 'directory' || !entry) return { path };
  return { path, name: posix.basename(inline[0]?.name ?? sources[0] ?? '') };
}

const bareDirectory: Entry = { path: '', type: 'directory', mode: 0o755, mtime: new Date(0), size: 0 };

function written(name: string, text: string): Entry {
  const inline = Buffer.from(text);
  const digest = createHash('sha256').update(inline).digest('hex');
  return { path: name, type: 'file', mode: 0o644, mtime: new Date(0), size: inline.length, digest, inline };
}

/** A directory that may be read may be entered, too: Dockerfiles are less kind. */
function withMode(entry: Entry, mode: number | undefined): Entry {
  if (mode === undefined || entry.type === 'symlink') return entry;
  return { ...entry, mode: entry.type === 'directory' ? mode | ((mode & 0o444) >> 2) : mode };
}

/** Directories nobody described: an archive may hold `a/b` without `a`. They are as old as what is in them. */
function withParents(picked: ReadonlyMap<string, Entry>): Map<string, Entry> {
  const all = new Map(picked);
  for (const [path, { mtime }] of picked) {
    for (let parent = posix.dirname(path); parent !== '.' && !all.has(parent); parent = posix.dirname(parent))
      all.set(parent, { ...bareDirectory, mtime });
  }
  return all;
}

/** The paths a source names; `*` and `?` stand for letters within one name. */
function matches(entries: ReadonlyMap<string, Entry>, source: string): readonly string[] {
  if (source === '.') return [''];
  if (/[*?]/.test(source)) {
    const found = [...entries.keys()].filter((path) => fits(path, source));
    if (found.length > 0) return found;
  } else if (entries.has(source)) return [source];
  throw new Problem('invalid', `${JSON.stringify(source)} is not among the files of the context`);
}

/** A source that is a symlink stands for what it points to, inside the context; `undefined` is the context's own root. */
function followed(entries: ReadonlyMap<string, Entry>, path: string): Entry | undefined {
  let at = path;
  for (let hops = 0; hops < 40; hops += 1) {
    if (at === '.' || at === '') return undefined;
    const entry = entries.get(at);
    if (!entry) break;
    if (entry.type !== 'symlink') return entry;
    at = posix.join(posix.dirname(at), entry.link ?? '').replace(/\/+$/, '');
  }
  throw new Problem('invalid', `${JSON.stringify(path)} is a link that leads to nothing in the context`);
}

/** Another one for another way to copy: what was copied before is then copied anew. */
const recipe = 'into what is a directory already\n';

/** Of what arrives in the container: paths, kinds, modes and content. A file that was only touched is the same file. */
export function digestOf(picked: Picked): string {
  const hash = createHash('sha256').update(recipe);
  for (const [path, { type, mode, digest, link }] of picked)
    hash.update(`${JSON.stringify([path, type, mode, digest ?? '', link ?? ''])}\n`);
  return hash.digest('hex');
}
