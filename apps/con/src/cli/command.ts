import type { ConClient, Endpoint, MethodName } from '@berth/con-protocol';
import type { Output, Terminal } from './terminal.js';

/** What a command works with: the typed client and a terminal. No files of the daemon, no LXC, no back door. */
export type Room = Readonly<{
  con: ConClient;
  endpoint: Endpoint;
  terminal: Terminal;
  stdin: NodeJS.ReadStream;
  /** Tells `SIGINT`, Ctrl-C, to a command that has something to end first. */
  interrupts: Interrupts;
  /** For bytes that are not text of ours: what exec carries. */
  raw: Readonly<{ out: Output; err: Output }>;
}>;

/** As a process tells signals. */
export type Interrupts = Pick<NodeJS.EventEmitter, 'once' | 'off'>;

/** What a person gave, as commander read it. */
export type Given = Readonly<{
  args: readonly string[];
  options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
}>;

/** A row of the one table of commands. */
export type Command = Readonly<{
  /** `containers create`. */
  words: string;
  /** The talk's short form, if it has one. */
  short?: string;
  /** Whose help it shows. */
  method: MethodName;
  /** After commander's notation: `<name>`, `[dir]`, `<cmd...>`. */
  args?: string;
  /** One whose value ends in `...` may be given again and again. */
  options?: readonly (readonly [flags: string, help: string])[];
  /** Answers the exit code. @throws Problem */
  run: (room: Room, given: Given) => Promise<number>;
}>;

export const noWait = ['--no-wait', 'do not wait until it is done'] as const;

/** An option's text, where it was given. */
export function textOf({ options }: Given, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

/** All texts of an option that may be given again and again. */
export function textsOf({ options }: Given, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}
