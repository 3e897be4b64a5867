import { faultAt, type ConfileFault, type Word } from './confile.js';

export type Environment = Readonly<Record<string, string>>;

/**
 * The value of a word: quotes and backslashes taken off, `$NAME`, `${NAME}`, `${NAME:-otherwise}` and `${NAME:+instead}`
 * replaced. What is not set is empty, as in Dockerfiles. @throws ConfileFault at a brace or quote that is never closed.
 */
export function expand(word: Word, environment: Environment, depth = 0): string {
  return new Expansion(word, environment, depth).all();
}

/** `ENV A=$A$A` doubles: a few lines of it would fill the memory of whoever expands them. */
const longest = 32 * 1024;
const deepest = 16;

class Expansion {
  private at = 0;

  constructor(
    private readonly word: Word,
    private readonly environment: Environment,
    private readonly depth: number,
  ) {}

  all(): string {
    let value = '';
    while (this.at < this.word.raw.length) value = this.bounded(value + this.piece());
    return value;
  }

  private bounded(value: string): string {
    if (value.length > longest)
      throw this.fault(`this value is longer than ${longest / 1024} KiB: put it into a file and COPY it`);
    return value;
  }

  private piece(): string {
    const letter = this.take();
    if (letter === "'") return this.single();
    if (letter === '"') return this.double();
    if (letter === '\\') return this.at < this.word.raw.length ? this.take() : '\\';
    if (letter === '$') return this.variable();
    return letter;
  }

  private single(): string {
    const end = this.word.raw.indexOf("'", this.at);
    if (end < 0) throw this.fault("this ' is never closed");
    const value = this.word.raw.slice(this.at, end);
    this.at = end + 1;
    return value;
  }

  private double(): string {
    let value = '';
    for (;;) {
      if (this.at >= this.word.raw.length) throw this.fault('this " is never closed');
      const letter = this.take();
      if (letter === '"') return value;
      if (letter === '$') value = this.bounded(value + this.variable());
      else if (letter === '\\' && /["\\$]/.test(this.peek())) value += this.take();
      else value += letter;
    }
  }

  private variable(): string {
    if (this.peek() === '{') return this.braced();
    const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(this.word.raw.slice(this.at))?.[0];
    if (name === undefined) return '$';
    this.at += name.length;
    return this.valueOf(name);
  }

  /** What follows `:-` and `:+` may hold variables itself; braces inside it are counted. */
  private braced(): string {
    const start = this.at;
    const end = closingBrace(this.word.raw, start);
    if (end < 0) throw this.fault('this ${ is never closed');
    const inside = this.word.raw.slice(start + 1, end);
    this.at = end + 1;
    const match = /^([A-Za-z_][A-Za-z0-9_]*)(?::([-+])(.*))?$/s.exec(inside);
    if (!match) throw this.fault('${…} holds a name, or NAME:-otherwise, or NAME:+instead');
    const [, name = '', modifier, rest = ''] = match;
    const value = this.valueOf(name);
    if (modifier === undefined) return value;
    const wanted = (modifier === '-') === (value === '');
    if (wanted && this.depth === deepest) throw this.fault('${…} stands inside itself too often');
    return wanted
      ? expand({ ...this.word, raw: rest }, this.environment, this.depth + 1)
      : modifier === '-'
        ? value
        : '';
  }

  private valueOf(name: string): string {
    return Object.hasOwn(this.environment, name) ? (this.environment[name] ?? '') : '';
  }

  private peek(): string {
    return this.word.raw[this.at] ?? '';
  }

  private take(): string {
    const letter = this.peek();
    this.at += 1;
    return letter;
  }

  private fault(message: string): ConfileFault {
    return faultAt(this.word, message);
  }
}

function closingBrace(raw: string, open: number): number {
  let depth = 0;
  for (let at = open; at < raw.length; at += 1) {
    if (raw[at] === '{') depth += 1;
    if (raw[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}
