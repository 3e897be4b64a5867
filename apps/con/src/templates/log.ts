import { closeSync, constants, mkdirSync, openSync, readdirSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const mostBytes = 4 * 1024 * 1024;
const pieceBytes = 64 * 1024;
const cut = Buffer.from(`\n[cut here: the log of a line holds ${mostBytes / 1024 / 1024} MiB]\n`);

/** What the lines printed: a file for each cache key, so that every template with that line shows the same log. */
export class Logs {
  private readonly directory: string;

  constructor(home: string) {
    this.directory = join(home, 'logs');
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
  }

  /** A new log for a line that begins; an earlier one of the same line is overwritten. */
  open(key: string): LineLog {
    return new LineLog(openSync(this.file(key), constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600));
  }

  keys(): string[] {
    return readdirSync(this.directory).flatMap((name) => /^([0-9a-f]+)\.log$/.exec(name)?.[1] ?? []);
  }

  remove(key: string): void {
    rmSync(this.file(key), { force: true });
  }

  /** At most 64 KiB from an offset, whole letters only unless nothing follows. A line that printed nothing has no log. */
  read(key: string, offset: bigint, ended: boolean): { text: string; next: bigint; done: boolean } {
    const bytes = this.bytes(key, offset);
    const whole = bytes.length < pieceBytes && ended ? bytes : bytes.subarray(0, bytes.length - brokenTail(bytes));
    return {
      text: printable(whole.toString('utf8')),
      next: offset + BigInt(whole.length),
      done: ended && bytes.length < pieceBytes,
    };
  }

  private bytes(key: string, offset: bigint): Buffer {
    if (offset > mostBytes + cut.length) return Buffer.alloc(0);
    let file: number;
    try {
      file = openSync(this.file(key), 'r');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0);
      throw error;
    }
    try {
      const buffer = Buffer.alloc(pieceBytes);
      return buffer.subarray(0, readSync(file, buffer, 0, pieceBytes, offset));
    } finally {
      closeSync(file);
    }
  }

  private file(key: string): string {
    return join(this.directory, `${key}.log`);
  }
}

export class LineLog {
  private size = 0;
  private isClosed = false;
  /** The disk was full, perhaps: the line fails by it once it has ended. */
  fault: unknown;

  constructor(private readonly file: number) {}

  write(chunk: Buffer): void {
    if (this.size > mostBytes || this.fault || this.isClosed) return;
    this.size += chunk.length;
    try {
      writeSync(this.file, this.size > mostBytes ? cut : chunk);
    } catch (error) {
      this.fault = error;
    }
  }

  /** What comes later is dropped: the number of a closed file may be another file's by then. */
  close(): void {
    this.isClosed = true;
    closeSync(this.file);
  }
}

/** How many bytes at the end begin a letter of UTF-8 that is not there in full (RFC 3629 §3). */
function brokenTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? back : 0;
  }
  return 0;
}

/** Only what XML 1.0 §2.2 can carry and no terminal acts upon; control characters become their pictures (U+2400…). */
function printable(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[\0-\x08\x0b-\x1f]/g, (c) => String.fromCharCode(0x2400 + c.charCodeAt(0)))
    .replace(/[\x7f-\x9f\ufffe\uffff\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}
