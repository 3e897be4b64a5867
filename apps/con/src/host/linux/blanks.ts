import { closeSync, fstatSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');
const lseek = libc.func('int64 lseek(int fd, int64 offset, int whence)');
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

type Piece = Readonly<{ at: number; bytes: Buffer }>;

/**
 * Empty file systems in sparse files. The first of each size is made by mkfs; all others get the few blocks in which that
 * one is not a hole, some 300 KB: no process has to be started.
 */
export class Blanks {
  private readonly known = new Map<bigint, readonly Piece[]>();

  constructor(private readonly make: (path: string) => Promise<void>) {}

  /** Makes a file, or makes it anew; it is on the disk by then. */
  async write(path: string, bytes: bigint): Promise<void> {
    rmSync(path, { force: true });
    const file = await open(path, 'wx+', 0o600);
    try {
      ftruncateSync(file.fd, Number(bytes));
      const pieces = this.known.get(bytes);
      if (pieces) {
        for (const piece of pieces) writeSync(file.fd, piece.bytes, 0, piece.bytes.length, piece.at);
      } else {
        await this.make(path);
        this.known.set(bytes, piecesOf(path));
      }
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

function piecesOf(path: string): readonly Piece[] {
  const fd = openSync(path, 'r');
  try {
    const pieces: Piece[] = [];
    const { size } = fstatSync(fd);
    for (let end = 0; end < size;) {
      const at = Number(lseek(fd, end, SEEK_DATA));
      if (at < 0) break; // only holes follow
      end = Number(lseek(fd, at, SEEK_HOLE));
      const bytes = Buffer.alloc(end - at);
      readSync(fd, bytes, 0, bytes.length, at);
      pieces.push({ at, bytes });
    }
    return pieces;
  } finally {
    closeSync(fd);
  }
}
