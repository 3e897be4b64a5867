import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { readIfThere } from './cgroups.js';

const Change = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('sysctl'), key: z.string(), before: z.string(), after: z.string() }),
  z.object({ kind: z.literal('line'), file: z.string(), line: z.string() }),
]);

export type Change = z.output<typeof Change>;

/** What con changed on the host for good, with what stood there before; kept in home, so that teardown can undo it. */
export class Changes {
  constructor(
    private readonly home: string,
    /** Is told of every change before it is made. */
    private readonly note: (text: string) => void,
  ) {}

  list(): readonly Change[] {
    const text = readIfThere(this.file);
    return text === undefined ? [] : z.array(Change).parse(JSON.parse(text));
  }

  /** Sets a kernel setting, such as `net.ipv4.ip_forward`, unless it has that value. */
  setting(key: string, after: string, why: string): void {
    const before = settingOf(key);
    if (before === undefined || before === after) return;
    this.note(`setting ${key} from ${before} to ${after}: ${why}`);
    this.keep({ kind: 'sysctl', key, before, after });
    writeFileSync(pathOf(key), after);
  }

  /** Adds a line at the end of a file of the host. */
  line(file: string, line: string, why: string): void {
    const text = readIfThere(file) ?? '';
    if (text.split('\n').includes(line)) return;
    this.note(`adding "${line}" to ${file}: ${why}`);
    this.keep({ kind: 'line', file, line });
    appendFileSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`);
  }

  /** Puts back what stood there, last change first; what somebody else has changed since stays as it is. */
  undo(): void {
    for (const change of [...this.list()].reverse()) {
      if (change.kind === 'sysctl') this.undoSetting(change);
      else this.undoLine(change);
    }
    rmSync(this.file, { force: true });
  }

  private undoSetting({ key, before, after }: Extract<Change, { kind: 'sysctl' }>): void {
    const now = settingOf(key);
    if (now !== after) return this.note(`leaving ${key} at ${now}: it is not what con had set`);
    this.note(`setting ${key} back to ${before}`);
    writeFileSync(pathOf(key), before);
  }

  private undoLine({ file, line }: Extract<Change, { kind: 'line' }>): void {
    const lines = readFileSync(file, 'utf8').split('\n');
    const at = lines.indexOf(line);
    if (at < 0) return this.note(`leaving ${file}: the line "${line}" has gone already`);
    this.note(`removing "${line}" from ${file}`);
    writeFileSync(file, lines.toSpliced(at, 1).join('\n'));
  }

  private keep(change: Change): void {
    mkdirSync(this.home, { recursive: true });
    const draft = `${this.file}.new`;
    // Whole or not at all: half of it would keep con from starting, and from undoing the rest.
    writeFileSync(draft, `${JSON.stringify([...this.list(), change], undefined, 2)}\n`, { flush: true });
    renameSync(draft, this.file);
  }

  private get file(): string {
    return `${this.home}/changes.json`;
  }
}

export function settingOf(key: string): string | undefined {
  return readIfThere(pathOf(key))?.trim();
}

const pathOf = (key: string): string => `/proc/sys/${key.replaceAll('.', '/')}`;
