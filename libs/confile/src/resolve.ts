import {
  bounds,
  faultAt,
  quoted,
  type ConfileFault,
  type Healthcheck,
  type InlineFile,
  type Instruction,
  type Pair,
  type Word,
} from './confile.js';
import { expand, type Environment } from './expand.js';

/** What a line finds around it, and a template hands to its containers. */
export type Surroundings = Readonly<{
  environment: Environment;
  workdir: string;
  /** TCP, in the order they were exposed. */
  ports: readonly number[];
  labels: Readonly<Record<string, string>>;
  /** ARGs that stand above, for the lines of this Confile alone; absent where there are none. */
  args?: Environment;
  healthcheck?: Healthcheck;
}>;

/** Who owns what is copied: a number, or a name that the image knows. */
export type Owner = Readonly<{ user: string; group?: string }>;

/** What an instruction does to files, its variables replaced; `note` only changes the surroundings. */
export type Act =
  | Readonly<{ kind: 'from' | 'note' }>
  | Readonly<{ kind: 'run'; argv: readonly string[] }>
  | Readonly<{
      kind: 'copy';
      sources: readonly string[];
      destination: string;
      /** Files whose content stands in the Confile, by name. */
      inline?: readonly { name: string; content: string }[];
      owner?: Owner;
      mode?: number;
    }>;

export const bareSurroundings: Surroundings = {
  environment: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  workdir: '/',
  ports: [],
  labels: {},
};

/** One instruction in its surroundings. @throws ConfileFault where a value cannot be used. */
export function resolve(instruction: Instruction, before: Surroundings): { act: Act; after: Surroundings } {
  const known = { ...before.args, ...before.environment };
  const value = (word: Word): string => expand(word, known);
  const note = (change: Partial<Surroundings>): { act: Act; after: Surroundings } => ({
    act: { kind: 'note' },
    after: { ...before, ...change },
  });
  switch (instruction.word) {
    case 'FROM':
      return { act: { kind: 'from' }, after: before };
    case 'RUN':
      return { act: { kind: 'run', argv: instruction.argv }, after: before };
    case 'COPY':
      return { act: copy(instruction, value, before.workdir, known), after: before };
    case 'ARG': {
      const args = instruction.args.flatMap(({ key, value: written, given }): [string, string][] => {
        const text = given ?? (written && value(written));
        return text === undefined ? [] : [[key.raw, text]];
      });
      const [first] = instruction.args;
      const all = { ...before.args, ...Object.fromEntries(args) };
      if (first) mustFit(all, first.key);
      return note({ args: all });
    }
    case 'HEALTHCHECK': {
      const { healthcheck: _, ...rest } = before;
      const { check } = instruction;
      return { act: { kind: 'note' }, after: check ? { ...rest, healthcheck: check } : rest };
    }
    case 'ENV':
      return note({
        environment: joined(before.environment, values(instruction.pairs, value, environmentName), instruction.pairs),
      });
    case 'LABEL':
      return note({ labels: joined(before.labels, values(instruction.pairs, value, labelName), instruction.pairs) });
    case 'WORKDIR':
      return note({ workdir: directory(instruction.path, value, before.workdir) });
    case 'EXPOSE':
      return note({ ports: ports(instruction.ports, before.ports, value) });
  }
}

type Value = (word: Word) => string;

function ports(words: readonly Word[], before: readonly number[], value: Value): readonly number[] {
  const all = [...new Set([...before, ...words.map((word) => port(word, value))])];
  const [first] = words;
  if (all.length > bounds.ports && first)
    throw faultAt(
      first,
      `more than ${bounds.ports} ports: each takes one of the host's; expose what is called from outside`,
    );
  return all;
}

/** Several pairs of one line all see the ENV of the lines above, never each other. */
function values(
  pairs: readonly Pair[],
  value: Value,
  check: (key: string) => string | undefined,
): Record<string, string> {
  let size = 0;
  return Object.fromEntries(
    pairs.map((pair) => {
      const key = value(pair.key);
      const fault = check(key);
      if (fault) throw faultAt(pair.key, `${quoted(key)} ${fault}`);
      const text = value(pair.value);
      size += key.length + text.length;
      if (size > longest) throw tooLong(pair.key);
      return [key, text];
    }),
  );
}

/** A third of what execve(2) takes for arguments and environment together at its least (128 KiB). */
const longest = 48 * 1024;

const tooLong = (word: Word): ConfileFault =>
  faultAt(word, `all values together are longer than ${longest / 1024} KiB: put what is long into a file and COPY it`);

function joined(
  before: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>>,
  pairs: readonly Pair[],
): Record<string, string> {
  const all = { ...before, ...more };
  if (pairs[0]) mustFit(all, pairs[0].key);
  return all;
}

function mustFit(all: Readonly<Record<string, string>>, at: Word): void {
  const size = Object.entries(all).reduce((sum, [key, text]) => sum + key.length + text.length, 0);
  if (size > longest) throw tooLong(at);
}

export const environmentName = (key: string): string | undefined =>
  /^[A-Za-z_][A-Za-z0-9_]{0,254}$/.test(key)
    ? undefined
    : 'cannot name a variable: use letters, digits and _, no digit first';

const labelName = (key: string): string | undefined =>
  /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/.test(key) ? undefined : 'cannot name a label: use letters, digits and . _ / -';

function directory(word: Word, value: Value, workdir: string): string {
  const path = value(word);
  if (path === '') throw faultAt(word, 'the directory is empty');
  return absolute(path, workdir);
}

function port(word: Word, value: Value): number {
  const text = value(word);
  const match = /^(\d{1,5})(?:\/(tcp))?$/i.exec(text);
  const number = Number(match?.[1]);
  if (!match || number < 1 || number > 65_535)
    throw faultAt(word, `${quoted(text)} is no port: write a number from 1 to 65535; TCP only`);
  return number;
}

function copy(
  instruction: Extract<Instruction, { word: 'COPY' }>,
  value: Value,
  workdir: string,
  known: Environment,
): Act {
  const sources = instruction.sources.map((word) => source(word, value(word)));
  const raw = value(instruction.destination);
  if (raw === '') throw faultAt(instruction.destination, 'the destination is empty');
  const intoDirectory = /(^|\/)\.{0,2}$/.test(raw);
  const several = sources.length + instruction.inline.length > 1 || sources.some((path) => /[*?]/.test(path));
  if (several && !intoDirectory) {
    throw faultAt(
      instruction.destination,
      `the destination of several files must end in /: write ${quoted(`${raw}/`)}`,
    );
  }
  const path = absolute(raw, workdir);
  const inline = instruction.inline.map((file) => ({ name: file.name, content: contentOf(file, known) }));
  return {
    kind: 'copy',
    sources,
    destination: intoDirectory && path !== '/' ? `${path}/` : path,
    ...(inline.length > 0 ? { inline } : {}),
    ...(instruction.owner ? { owner: ownerIn(instruction.owner, value) } : {}),
    ...(instruction.mode ? { mode: modeIn(instruction.mode, value) } : {}),
  };
}

/** Variables are replaced as a shell does in a here-document: quotes are letters like any other, `\$` is a dollar. */
function contentOf({ content, isQuoted }: InlineFile, known: Environment): string {
  if (isQuoted) return content.raw;
  return content.raw.replace(
    /\\([\\$`])|\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{[^{}\n]*\})/g,
    (whole, escaped: string | undefined) => escaped ?? expand({ ...content, raw: whole }, known),
  );
}

function ownerIn(word: Word, value: Value): Owner {
  const text = value(word);
  const match = /^([a-z_][a-z0-9_-]{0,31}|\d{1,5})(?::([a-z_][a-z0-9_-]{0,31}|\d{1,5}))?$/.exec(text);
  const ids = [match?.[1], match?.[2]].filter((one) => one !== undefined && /^\d+$/.test(one));
  if (!match || ids.some((id) => Number(id) > 65_533))
    throw faultAt(word, `${quoted(text)} is no owner: write user, user:group, or numbers from 0 to 65533`);
  const [, user = '', group] = match;
  return { user, ...(group === undefined ? {} : { group }) };
}

function modeIn(word: Word, value: Value): number {
  const text = value(word);
  if (/^[0-7]{3,4}$/.test(text)) return Number.parseInt(text, 8);
  throw faultAt(word, `${quoted(text)} is no mode: write three or four octal digits, such as 0644`);
}

/** Inside the context and nowhere else: neither `..` nor a leading `/`. */
function source(word: Word, path: string): string {
  if (path === '') throw faultAt(word, 'the source is empty');
  if (path.startsWith('/'))
    throw faultAt(word, `${quoted(path)} is absolute: a source lies in the Confile's own directory; leave out the /`);
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..'))
    throw faultAt(word, `${quoted(path)} leads out of the Confile's own directory: .. is not allowed`);
  return parts.join('/') || '.';
}

/** Joined to the directory where it is relative, with `.` and `..` worked out; never above the root. */
function absolute(path: string, workdir: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith('/') ? path : `${workdir}/${path}`).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}
