import {
  bounds,
  ConfileFault,
  faultAt,
  quoted,
  type Argument,
  type Confile,
  type ConfileProblem,
  type From,
  type Healthcheck,
  type HereDocument,
  type InlineFile,
  type Instruction,
  type Word,
} from './confile.js';
import { expand } from './expand.js';
import { logicalLines, type LogicalLine } from './lines.js';
import { bareSurroundings, environmentName, resolve } from './resolve.js';
import { jsonForm, splitPairs, splitWords } from './words.js';

const instructionWords = ['FROM', 'ARG', 'RUN', 'COPY', 'ENV', 'WORKDIR', 'EXPOSE', 'LABEL', 'HEALTHCHECK'] as const;
type InstructionWord = (typeof instructionWords)[number];

/** Words of Dockerfiles that mean nothing here, and what does. */
const elsewhere: Readonly<Record<string, string>> = {
  ADD: 'use COPY for files, and RUN for what is fetched or unpacked',
  CMD: 'a container runs systemd: install a unit, and RUN systemctl enable it',
  ENTRYPOINT: 'a container runs systemd: install a unit, and RUN systemctl enable it',
  MAINTAINER: 'use LABEL',
  ONBUILD: 'write the line into the Confile that stands on this one',
  SHELL: 'RUN is given to /bin/sh; for another shell write RUN ["bash", "-c", "…"]',
  STOPSIGNAL: 'a container runs systemd, which is stopped by its own signal; a unit names its KillSignal=',
  USER: 'lines run as root: use COPY --chown, runuser, or User= in a unit',
  VOLUME: 'leave it out: a container keeps all that it writes',
};

/**
 * The text of a Confile as its instructions.
 * @param given values for its ARGs, by name
 * @throws ConfileFault with every problem found, never anything else.
 */
export function parseConfile(text: string, given: Readonly<Record<string, string>> = {}): Confile {
  const unreadable = unreadableText(text);
  if (unreadable) throw new ConfileFault([unreadable]);
  const lines = logicalLines(text.replace(/^\ufeff/, ''));
  const tooMany = lines[bounds.lines];
  if (tooMany)
    throw tooMany.fault(
      0,
      `there are more than ${bounds.lines} instructions: join some with &&, or split the template in two`,
    );
  const problems: ConfileProblem[] = [];
  const args = new Arguments(given);
  const instructions = lines.flatMap((line) => collect(problems, () => [instructionOf(line, args)]) ?? []);
  const at = instructions.findIndex(({ word }) => word !== 'ARG');
  const from = firstFrom(instructions.slice(Math.max(at, 0)), problems, lines.length === 0);
  problems.push(...args.unknown());
  if (problems.length > 0 || !from)
    throw new ConfileFault(problems.toSorted((a, b) => a.line - b.line || a.column - b.column));
  return { from, lines: instructions.slice(at + 1) };
}

/** What ARGs were given, and which of them were asked for. */
class Arguments {
  private readonly asked = new Set<string>();
  /** Those above FROM, for FROM itself, and for an ARG of the same name below it. */
  private readonly above: Record<string, string> = {};
  private isBelow = false;

  constructor(private readonly given: Readonly<Record<string, string>>) {}

  declare(args: readonly Argument[]): readonly Argument[] {
    return args.map((arg) => {
      const name = arg.key.raw;
      this.asked.add(name);
      const given = own(this.given, name) ?? (this.isBelow && !arg.value ? own(this.above, name) : undefined);
      if (!this.isBelow) {
        const value = given ?? (arg.value && expand(arg.value, this.above));
        if (value !== undefined) this.above[name] = value;
      }
      return given === undefined ? arg : { ...arg, given };
    });
  }

  /** FROM with what stands above it. */
  from(word: Word): string {
    this.isBelow = true;
    return expand(word, this.above);
  }

  unknown(): ConfileProblem[] {
    const names = Object.keys(this.given).filter((name) => !this.asked.has(name));
    return names.map((name) => ({
      line: 1,
      column: 1,
      message: `it has no ARG ${quoted(name)} that could be given a value`,
    }));
  }
}

function own(values: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

/** NUL would end a path early, other control characters act on terminals, and half a surrogate is no text. */
function unreadableText(text: string): ConfileProblem | undefined {
  if (new TextEncoder().encode(text).length > bounds.bytes) {
    return {
      line: 1,
      column: 1,
      message: `it is longer than ${bounds.bytes / 1024} KiB: put what is long into a file and COPY it`,
    };
  }
  const match = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]|\p{Surrogate}/u.exec(text);
  if (!match) return undefined;
  const before = text.slice(0, match.index).split('\n');
  const code = match[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return {
    line: before.length,
    column: (before.at(-1)?.length ?? 0) + 1,
    message: `the character U+${code} cannot stand in a Confile`,
  };
}

function collect<T>(problems: ConfileProblem[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ConfileFault)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

/** @param instructions from the first that is no ARG on */
function firstFrom(instructions: readonly Instruction[], problems: ConfileProblem[], empty: boolean): From | undefined {
  if (empty) problems.push({ line: 1, column: 1, message: 'it holds no instruction: begin with FROM debian:bookworm' });
  const [first, ...others] = instructions;
  for (const { word, line, column } of others) {
    if (word === 'FROM') problems.push({ line, column, message: 'FROM stands once, at the top' });
  }
  if (first?.word === 'FROM') return first;
  if (first && problems.length === 0)
    problems.push({
      line: first.line,
      column: first.column,
      message: 'the first instruction must be FROM, such as FROM debian:bookworm',
    });
  return undefined;
}

function instructionOf(line: LogicalLine, args: Arguments): Instruction {
  const written = /^\S+/.exec(line.text)?.[0] ?? '';
  const word = instructionWords.find((known) => known === written.toUpperCase());
  if (!word) {
    const advice = own(elsewhere, written.toUpperCase());
    if (advice) throw line.fault(0, `there is no ${written.toUpperCase()} in a Confile: ${advice}`);
    throw line.fault(0, `there is no instruction ${quoted(written)}: use ${instructionWords.join(', ')}`);
  }
  if (line.text.slice(written.length).trim() === '')
    throw line.fault(written.length, `${word} needs ${argumentOf[word]}`);
  const instruction = read(word, line, written.length, args);
  check(instruction);
  return instruction;
}

const argumentOf: Readonly<Record<InstructionWord, string>> = {
  FROM: 'what to stand on, such as debian:bookworm',
  ARG: 'a name, or name=value',
  RUN: 'a command',
  COPY: 'a source and a destination',
  ENV: 'key=value',
  WORKDIR: 'a directory',
  EXPOSE: 'a port',
  LABEL: 'key=value',
  HEALTHCHECK: 'CMD and a command, HTTP and a path, or NONE',
};

function read(word: InstructionWord, line: LogicalLine, at: number, args: Arguments): Instruction {
  const common = { ...line.position(0), text: line.text.replace(/\s+/g, ' ').trim() };
  switch (word) {
    case 'FROM':
      return { ...common, word, ...templateKey(line, at, args) };
    case 'ARG':
      return { ...common, word, args: args.declare(argumentsIn(line, at)) };
    case 'RUN':
      return { ...common, word, argv: command(line, at) };
    case 'COPY':
      return { ...common, word, ...copying(line, at) };
    case 'HEALTHCHECK':
      return { ...common, word, check: healthcheck(line, at) };
    case 'ENV':
    case 'LABEL':
      return { ...common, word, pairs: splitPairs(line, at) };
    case 'WORKDIR': {
      const path = line.text.slice(at);
      const start = at + path.search(/\S/);
      return { ...common, word, path: { raw: path.trim(), ...line.position(start) } };
    }
    case 'EXPOSE':
      return { ...common, word, ports: splitWords(line, at) };
  }
}

function templateKey(line: LogicalLine, at: number, args: Arguments): { name: string; version: string } {
  const rest = line.text.slice(at);
  const start = at + rest.search(/\S/);
  const named = args.from({ raw: rest.trim(), ...line.position(start) });
  const match = /^([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?):([a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?)$/.exec(
    named,
  );
  if (!match) throw line.fault(start, `${quoted(named)} is not name:version, such as debian:bookworm`);
  const [, name = '', version = ''] = match;
  return { name, version };
}

function argumentsIn(line: LogicalLine, at: number): Argument[] {
  return splitWords(line, at).map((word) => {
    const sign = word.raw.indexOf('=');
    const key = { ...word, raw: sign < 0 ? word.raw : word.raw.slice(0, sign) };
    const fault = environmentName(key.raw);
    if (fault) throw faultAt(key, `${quoted(key.raw)} ${fault}`);
    if (sign < 0) return { key };
    return { key, value: { raw: word.raw.slice(sign + 1), line: word.line, column: word.column + sign + 1 } };
  });
}

/** For what begins with `#!`: a file of its own, run and removed. */
const runScript = 'f=$(mktemp) && printf %s "$1" > "$f" && chmod 700 "$f" && "$f"; rc=$?; rm -f "$f"; exit $rc';

function command(line: LogicalLine, at: number): readonly string[] {
  const text = line.text.slice(at).trim();
  const start = at + line.text.slice(at).search(/\S/);
  if (/^--[a-z]/.test(text)) throw line.fault(start, 'RUN takes no options here: begin with the command');
  const argv = jsonForm(text);
  if (argv?.length === 0 || argv?.[0] === '') throw line.fault(start, 'RUN needs a command');
  const words = argv ?? shellWords(text, line.documents);
  const longest = Math.max(...words.map((word) => new TextEncoder().encode(word).length));
  if (longest > bounds.commandBytes) {
    const most = Math.floor(bounds.commandBytes / 1024);
    throw line.fault(start, `this command is longer than ${most} KiB: put what is long into a file and COPY it`);
  }
  return words;
}

/** A here-document alone is the script itself; one beside a command is the shell's own matter. */
function shellWords(text: string, documents: readonly HereDocument[]): readonly string[] {
  const [only] = documents;
  if (only && documents.length === 1 && text === only.mark) {
    const script = only.lines.map((one) => `${one}\n`).join('');
    return script.startsWith('#!') ? ['/bin/sh', '-c', runScript, 'con', script] : ['/bin/sh', '-c', script];
  }
  const whole = [text, ...documents.flatMap(({ lines, name }) => [...lines, name])];
  return ['/bin/sh', '-c', documents.length === 0 ? text : `${whole.join('\n')}\n`];
}

type Copying = Omit<Extract<Instruction, { word: 'COPY' }>, 'word' | 'line' | 'column' | 'text'>;

function copying(line: LogicalLine, at: number): Copying {
  const { options, rest } = optionsOf(line, at, ['chown', 'chmod']);
  const start = rest + Math.max(0, line.text.slice(rest).search(/\S/));
  const listed = jsonForm(line.text.slice(rest).trim());
  const words = listed ? listed.map((raw) => ({ raw, ...line.position(start) })) : splitWords(line, rest);
  const destination = words.at(-1);
  if (!destination || words.length < 2) throw line.fault(start, 'COPY needs a source and a destination');
  const named = words.slice(0, -1);
  const inline = line.documents.filter(({ mark }) => named.some(({ raw }) => raw === mark)).map(inlineFile);
  return {
    sources: named.filter(({ raw }) => !line.documents.some(({ mark }) => raw === mark)),
    inline,
    destination,
    ...(options['chown'] ? { owner: options['chown'] } : {}),
    ...(options['chmod'] ? { mode: options['chmod'] } : {}),
  };
}

function inlineFile({ name, lines, line, isQuoted }: HereDocument): InlineFile {
  return { name, isQuoted, content: { raw: lines.map((one) => `${one}\n`).join(''), line, column: 1 } };
}

/** `--name=value` before the first word that is none; each at most once. */
function optionsOf(
  line: LogicalLine,
  from: number,
  known: readonly string[],
): { options: Readonly<Record<string, Word>>; rest: number } {
  const options: Record<string, Word> = {};
  let rest = from;
  for (;;) {
    const match = /^(\s+)--([a-z-]+)(=(\S*))?(?=\s|$)/.exec(line.text.slice(rest));
    if (!match) return { options, rest };
    const [whole, space = '', name = '', , value] = match;
    const at = rest + space.length;
    const all = known.map((one) => `--${one}=…`).join(', ');
    if (!known.includes(name)) throw line.fault(at, `there is no option --${name} here: ${all} are known`);
    if (!value) throw line.fault(at, `--${name} needs a value: write --${name}=…`);
    if (options[name]) throw line.fault(at, `--${name} stands here twice`);
    options[name] = { raw: value, ...line.position(at + name.length + 3) };
    rest += whole.length;
  }
}

const second = 1_000;
const units: Readonly<Record<string, number>> = { ms: 1, s: second, m: 60 * second, h: 3_600 * second };

function healthcheck(line: LogicalLine, at: number): Healthcheck | undefined {
  const { options, rest } = optionsOf(line, at, ['interval', 'timeout', 'start-period', 'retries']);
  const start = rest + Math.max(0, line.text.slice(rest).search(/\S/));
  const [, kind = '', words = ''] = /^\s*(\S*)\s*(.*)$/s.exec(line.text.slice(rest)) ?? [];
  const time = (name: string, usual: number, least: number): number => {
    const word = options[name];
    const [, number, unit = 's'] = /^(\d{1,6})(ms|s|m|h)?$/.exec(word?.raw ?? `${usual / second}s`) ?? [];
    const milliseconds = Number(number) * (units[unit] ?? NaN);
    if (milliseconds >= least && milliseconds <= 3_600 * second) return milliseconds;
    throw faultAt(word ?? line.position(at), `--${name} is a time such as 30s or 2m, from ${least} ms to 1h`);
  };
  const retries = Number(options['retries']?.raw ?? 3);
  if (!Number.isInteger(retries) || retries < 1 || retries > 100)
    throw faultAt(options['retries'] ?? line.position(at), '--retries is a number from 1 to 100');
  const times = {
    intervalMs: time('interval', 30 * second, second),
    timeoutMs: time('timeout', 5 * second, 100),
    startMs: time('start-period', 0, 0),
    retries,
  };
  if (/^none$/i.test(kind) && words === '') return undefined;
  if (/^http$/i.test(kind)) return { ...httpCheck(line, start, words), ...times };
  if (!/^cmd$/i.test(kind) || words === '')
    throw line.fault(start, 'HEALTHCHECK needs CMD and a command, HTTP and a path, or NONE');
  const argv = jsonForm(words) ?? ['/bin/sh', '-c', words];
  if (argv.length === 0 || argv[0] === '') throw line.fault(start, 'HEALTHCHECK CMD needs a command');
  return { kind: 'command', argv, ...times };
}

/** `HTTP /path`, or `HTTP :8080/path` for another port than the first one exposed. */
function httpCheck(line: LogicalLine, at: number, words: string): { kind: 'http'; path: string; port?: number } {
  const [, port, path] = /^(?::(\d{1,5}))?(\/[\x21-\x7e]{0,1000})$/.exec(words) ?? [];
  if (path === undefined || (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)))
    throw line.fault(at, 'HEALTHCHECK HTTP needs a path such as /health, or a port and a path such as :8080/health');
  return { kind: 'http', path, ...(port === undefined ? {} : { port: Number(port) }) };
}

/** Braces and quotes at once; values at once too, unless a variable keeps them open until the lines above are known. */
function check(instruction: Instruction): void {
  const words = wordsOf(instruction);
  for (const word of words) expand(word, {});
  if (!words.some(({ raw }) => raw.includes('$'))) resolve(instruction, bareSurroundings);
}

function wordsOf(instruction: Instruction): readonly Word[] {
  if (instruction.word === 'COPY') {
    const { sources, destination, owner, mode } = instruction;
    return [...sources, destination, ...(owner ? [owner] : []), ...(mode ? [mode] : [])];
  }
  if (instruction.word === 'WORKDIR') return [instruction.path];
  if (instruction.word === 'EXPOSE') return instruction.ports;
  if (instruction.word === 'ARG') return instruction.args.flatMap(({ value }) => value ?? []);
  if (instruction.word === 'ENV' || instruction.word === 'LABEL')
    return instruction.pairs.flatMap(({ key, value }) => [key, value]);
  return [];
}
