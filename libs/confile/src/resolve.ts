import { faultAt, quoted, type ConfileFault, type Instruction, type Pair, type Word } from './confile.js';
import { expand, type Environment } from './expand.js';

/** What a line finds around it, and a template hands to its containers. */
export type Surroundings = Readonly<{
  environment: Environment;
  workdir: string;
  /** TCP, in the order they were exposed. */
  ports: readonly number[];
  labels: Readonly<Record<string, string>>;
}>;

/** What an instruction does to files, its variables replaced; `note` only changes the surroundings. */
export type Act =
  | Readonly<{ kind: 'from' | 'note' }>
  | Readonly<{ kind: 'run'; argv: readonly string[] }>
  | Readonly<{ kind: 'copy'; sources: readonly string[]; destination: string }>;

export const bareSurroundings: Surroundings = {
  environment: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  workdir: '/',
  ports: [],
  labels: {},
};

/** One instruction in its surroundings. @throws ConfileFault where a value cannot be used. */
export function resolve(instruction: Instruction, before: Surroundings): { act: Act; after: Surroundings } {
  const value = (word: Word): string => expand(word, before.environment);
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
      return { act: copy(instruction, value, before.workdir), after: before };
    case 'ENV':
      return note({
        environment: joined(before.environment, values(instruction.pairs, value, environmentName), instruction.pairs),
      });
    case 'LABEL':
      return note({ labels: joined(before.labels, values(instruction.pairs, value, labelName), instruction.pairs) });
    case 'WORKDIR':
      return note({ workdir: directory(instruction.path, value, before.workdir) });
    case 'EXPOSE':
      return note({ ports: [...new Set([...before.ports, ...instruction.ports.map((word) => port(word, value))])] });
  }
}

type Value = (word: Word) => string;

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
  const size = Object.entries(all).reduce((sum, [key, text]) => sum + key.length + text.length, 0);
  if (size > longest && pairs[0]) throw tooLong(pairs[0].key);
  return all;
}

const environmentName = (key: string): string | undefined =>
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

function copy(instruction: Extract<Instruction, { word: 'COPY' }>, value: Value, workdir: string): Act {
  const sources = instruction.sources.map((word) => source(word, value(word)));
  const raw = value(instruction.destination);
  if (raw === '') throw faultAt(instruction.destination, 'the destination is empty');
  const intoDirectory = /(^|\/)\.{0,2}$/.test(raw);
  const several = sources.length > 1 || sources.some((path) => /[*?]/.test(path));
  if (several && !intoDirectory) {
    throw faultAt(
      instruction.destination,
      `the destination of several files must end in /: write ${quoted(`${raw}/`)}`,
    );
  }
  const path = absolute(raw, workdir);
  return { kind: 'copy', sources, destination: intoDirectory && path !== '/' ? `${path}/` : path };
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
