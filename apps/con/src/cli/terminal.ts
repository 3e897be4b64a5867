import type { Writable } from 'node:stream';
import { escaped, escapedJson } from './escape.js';

export type Output = Writable & { isTTY?: boolean };

export type TerminalOptions = Readonly<{ out: Output; err: Output; json: boolean; color: boolean }>;

/** Text that stands out, where colours are wanted. */
export type Strong = Readonly<{ strong: string }>;

/** Where commands print. Whatever came from elsewhere is escaped here, so no command can forget it. */
export class Terminal {
  constructor(private readonly options: TerminalOptions) {}

  get json(): boolean {
    return this.options.json;
  }

  /** One line. */
  line(...parts: readonly (string | Strong)[]): void {
    const texts = parts.map((part) => (typeof part === 'string' ? escaped(part) : this.strong(escaped(part.strong))));
    this.options.out.write(`${texts.join('')}\n`);
  }

  /** For people, beside what is asked for: it does not get into a pipe. */
  note(text: string): void {
    this.options.err.write(`${escaped(text)}\n`);
  }

  /** Lines as somebody's program wrote them. */
  text(text: string): void {
    this.options.out.write(text.split('\n').map(escaped).join('\n'));
  }

  /** The decoded result of a method, whole numbers of any size as strings. */
  result(value: unknown): void {
    const plain = JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one), 2);
    this.options.out.write(`${escapedJson(plain)}\n`);
  }

  private strong(text: string): string {
    return this.options.color ? `\u001b[1;32m${text}\u001b[0m` : text;
  }
}
