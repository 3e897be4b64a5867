import { Problem } from '@berth/problem';

/** What is wrong with a Confile, and where: both count from 1, a column counts UTF-16 units. */
export type ConfileProblem = Readonly<{ line: number; column: number; message: string }>;

/** A person mends them all at once; a file that is no Confile has one in each line. */
const mostTold = 10;

/** Thrown for a Confile that cannot be built: `invalid`, with every problem found, in the order of the text. */
export class ConfileFault extends Problem {
  constructor(readonly problems: readonly ConfileProblem[]) {
    const told = problems
      .slice(0, mostTold)
      .map(({ line, column, message }) => `line ${line}, column ${column}: ${message}`);
    const more = problems.length > mostTold ? [`and ${problems.length - mostTold} more`] : [];
    super('invalid', `cannot build this Confile: ${[...told, ...more].join('; ') || 'it is empty'}`);
  }
}

/** A word as written, quotes and `$` still in it: its value depends on the ENV of the lines above, and of what FROM names. */
export type Word = Readonly<{ raw: string; line: number; column: number }>;

export type Pair = Readonly<{ key: Word; value: Word }>;

/** What follows a line up to the word that `<<` named; of tabs at the beginning of lines where `<<-` says so. */
export type HereDocument = Readonly<{
  name: string;
  /** As it stands in the line: `<<EOF`. */
  mark: string;
  /** `<<'EOF'`: nothing in it is replaced. */
  isQuoted: boolean;
  stripsTabs: boolean;
  /** Where its first line stands. */
  line: number;
  lines: readonly string[];
}>;

/** A file whose content stands in the Confile: its name is the word after `<<`. */
export type InlineFile = Readonly<{ name: string; content: Word; isQuoted: boolean }>;

/** `given` is what the build was told, or an ARG above FROM; it wins over the value written. */
export type Argument = Readonly<{ key: Word; value?: Word; given?: string }>;

/** How one learns whether an app answers; times in milliseconds. */
export type Healthcheck = Readonly<
  ({ kind: 'command'; argv: readonly string[] } | { kind: 'http'; path: string; port?: number }) & {
    intervalMs: number;
    timeoutMs: number;
    /** So many failures in a row before it is said to fail. */
    retries: number;
    /** So long after a start failures do not count. */
    startMs: number;
  }
>;

type Of<W extends string, Rest> = Readonly<{ word: W; line: number; column: number; text: string } & Rest>;

/** One instruction; `text` is what a person is shown, on one line. */
export type Instruction =
  | Of<'FROM', { name: string; version: string }>
  | Of<'ARG', { args: readonly Argument[] }>
  | Of<'RUN', { argv: readonly string[] }>
  | Of<
      'COPY',
      { sources: readonly Word[]; inline: readonly InlineFile[]; destination: Word; owner?: Word; mode?: Word }
    >
  | Of<'HEALTHCHECK', { check: Healthcheck | undefined }>
  | Of<'ENV' | 'LABEL', { pairs: readonly Pair[] }>
  | Of<'WORKDIR', { path: Word }>
  | Of<'EXPOSE', { ports: readonly Word[] }>;

export type From = Extract<Instruction, { word: 'FROM' }>;

/** A Confile that can be read: what it stands on, and the lines above that. */
export type Confile = Readonly<{ from: From; lines: readonly Instruction[] }>;

/** A command is one argument of execve(2), which takes 128 KiB. */
export const bounds = { bytes: 256 * 1024, lines: 300, commandBytes: 128 * 1024 - 1_024, ports: 32 } as const;

/** Short and printable: what a person wrote never acts on a terminal. */
export function quoted(text: string): string {
  const short = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  return JSON.stringify(short).replace(/[^\x20-\x7e…]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function faultAt({ line, column }: { line: number; column: number }, message: string): ConfileFault {
  return new ConfileFault([{ line, column, message }]);
}
