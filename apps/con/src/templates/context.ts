import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Problem } from '@berth/problem';
import { extract, type Extract, type Header } from 'tar-stream';

/** One thing in a context. A hard link is the file that it names, under a path of its own. */
export type Entry = Readonly<{
  /** Relative, without `.`, `..` or a slash at either end. */
  path: string;
  type: 'file' | 'directory' | 'symlink';
  mode: number;
  mtime: Date;
  size: number;
  /** Of a file: SHA-256 of its content. */
  digest?: string;
  /** Of a symlink: where it points, as written. */
  link?: string;
  /** Of a file: the path under which the archive holds its content. */
  content?: string;
  /** Of a file whose content stands in the Confile, and in no archive. */
  inline?: Buffer;
}>;

export const contextBounds = { bytes: 256n * 1024n * 1024n, entries: 100_000 } as const;

/** The files of a build: a tar that stays a tar. It is never unpacked on the host; COPY takes out of it what it names. */
export class Context {
  private constructor(
    readonly file: string,
    readonly entries: ReadonlyMap<string, Entry>,
  ) {}

  /** @throws Problem `invalid` for a body that is no tar, or holds what may not be in a context. */
  static async store(file: string, body: Readable): Promise<Context> {
    await pipeline(body, createWriteStream(file, { mode: 0o600 }));
    const index = new Index();
    try {
      await index.read(createReadStream(file));
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw new Problem('invalid', 'cannot read the context: it is not a whole tar archive', { cause: error });
    }
    return new Context(file, index.entries);
  }
}

class Index {
  readonly entries = new Map<string, Entry>();

  /** What is found in the archive is told before that it was closed early because of it. */
  async read(tar: Readable): Promise<void> {
    const archive = extract();
    const [fed, found] = await Promise.allSettled([pipeline(tar, archive), this.all(archive)]);
    if (found.status === 'rejected') throw found.reason;
    if (fed.status === 'rejected') throw fed.reason;
  }

  private async all(archive: Extract): Promise<void> {
    for await (const entry of archive) await this.add(entry.header, Readable.from(entry));
  }

  private async add(header: Header, body: Readable): Promise<void> {
    const hash = createHash('sha256');
    await pipeline(body, hash);
    const path = mustBeInside(header.name, header.name);
    if (path === '') return;
    if (this.entries.size >= contextBounds.entries)
      throw refusal(path, `is one of more than ${contextBounds.entries} files`);
    const already = this.entries.get(path);
    if (already && !(already.type === 'directory' && header.type === 'directory'))
      throw refusal(path, 'is in it twice');
    this.mustStandOnDirectories(path);
    this.entries.set(path, this.entryOf(path, header, hash.digest('hex')));
  }

  private entryOf(path: string, header: Header, digest: string): Entry {
    const common = { path, mode: (header.mode ?? 0o644) & 0o7777, mtime: header.mtime ?? new Date(0), size: 0 };
    const link = header.linkname ?? '';
    switch (header.type) {
      case 'directory':
        return { ...common, type: 'directory' };
      case 'symlink':
        mustBeInside(link.startsWith('/') ? link : posix.join(posix.dirname(path), link), path);
        return { ...common, type: 'symlink', link };
      case 'link': {
        const target = this.entries.get(mustBeInside(link, path));
        if (target?.type !== 'file') throw refusal(path, 'is a hard link to what is not in it');
        return { ...target, path };
      }
      case 'file':
      case 'contiguous-file':
        return { ...common, type: 'file', size: header.size ?? 0, digest, content: path };
      case 'block-device':
      case 'character-device':
      case 'fifo':
      default:
        throw refusal(
          path,
          `is a ${header.type ?? 'thing of an unknown kind'}: only files, directories and links can be copied`,
        );
    }
  }

  private mustStandOnDirectories(path: string): void {
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent)) {
      const entry = this.entries.get(parent);
      if (entry && entry.type !== 'directory') throw refusal(path, 'lies below what is no directory');
    }
  }
}

/** A path of the archive, made plain. @throws Problem where it leads out of the context. */
function mustBeInside(raw: string, named: string): string {
  const parts = raw.split('/').filter((part) => part !== '' && part !== '.');
  if (raw.startsWith('/') || parts.includes('..') || raw.includes('\0') || raw.length > 4_096)
    throw refusal(named, 'leads out of it');
  return parts.join('/');
}

function refusal(path: string, why: string): Problem {
  const shown = JSON.stringify(path.slice(0, 200)).replace(/[^\x20-\x7e]/g, '?');
  return new Problem('invalid', `cannot use the context: ${shown} ${why}`);
}
