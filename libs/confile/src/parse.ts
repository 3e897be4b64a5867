import {
  bounds,
  ConfileFault,
  quoted,
  type Confile,
  type ConfileProblem,
  type From,
  type Instruction,
  type Word,
} from './confile.js';
import { expand } from './expand.js';
import { logicalLines, type LogicalLine } from './lines.js';
import { bareSurroundings, resolve } from './resolve.js';
import { jsonForm, splitPairs, splitWords } from './words.js';

const instructionWords = ['FROM', 'RUN', 'COPY', 'ENV', 'WORKDIR', 'EXPOSE', 'LABEL'] as const;
type InstructionWord = (typeof instructionWords)[number];

/** The text of a Confile as its instructions. @throws ConfileFault with every problem found, never anything else. */
export function parseConfile(text: string): Confile {
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
  const instructions = lines.flatMap((line) => collect(problems, () => [instructionOf(line)]) ?? []);
  const from = firstFrom(instructions, problems, lines.length === 0);
  if (problems.length > 0 || !from)
    throw new ConfileFault(problems.toSorted((a, b) => a.line - b.line || a.column - b.column));
  return { from, lines: instructions.slice(1) };
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

function instructionOf(line: LogicalLine): Instruction {
  const written = /^\S+/.exec(line.text)?.[0] ?? '';
  const word = instructionWords.find((known) => known === written.toUpperCase());
  if (!word) throw line.fault(0, `there is no instruction ${quoted(written)}: use ${instructionWords.join(', ')}`);
  if (line.text.slice(written.length).trim() === '')
    throw line.fault(written.length, `${word} needs ${argumentOf[word]}`);
  const instruction = read(word, line, written.length);
  check(instruction);
  return instruction;
}

const argumentOf: Readonly<Record<InstructionWord, string>> = {
  FROM: 'what to stand on, such as debian:bookworm',
  RUN: 'a command',
  COPY: 'a source and a destination',
  ENV: 'key=value',
  WORKDIR: 'a directory',
  EXPOSE: 'a port',
  LABEL: 'key=value',
};

function read(word: InstructionWord, line: LogicalLine, at: number): Instruction {
  const common = { ...line.position(0), text: line.text.replace(/\s+/g, ' ').trim() };
  switch (word) {
    case 'FROM':
      return { ...common, word, ...templateKey(line, at) };
    case 'RUN':
      return { ...common, word, argv: command(line, at) };
    case 'COPY':
      return { ...common, word, ...sourcesAndDestination(line, at) };
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

function templateKey(line: LogicalLine, at: number): { name: string; version: string } {
  const rest = line.text.slice(at);
  const start = at + rest.search(/\S/);
  const match = /^([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?):([a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?)$/.exec(
    rest.trim(),
  );
  if (!match) throw line.fault(start, `${quoted(rest.trim())} is not name:version, such as debian:bookworm`);
  const [, name = '', version = ''] = match;
  return { name, version };
}

function command(line: LogicalLine, at: number): readonly string[] {
  const text = line.text.slice(at).trim();
  const start = at + line.text.slice(at).search(/\S/);
  if (/^--[a-z]/.test(text)) throw line.fault(start, 'RUN takes no options here: begin with the command');
  const argv = jsonForm(text);
  if (argv?.length === 0 || argv?.[0] === '') throw line.fault(start, 'RUN needs a command');
  return argv ?? ['/bin/sh', '-c', text];
}

function sourcesAndDestination(line: LogicalLine, at: number): { sources: readonly Word[]; destination: Word } {
  const start = at + line.text.slice(at).search(/\S/);
  const listed = jsonForm(line.text.slice(at).trim());
  const words = listed ? listed.map((raw) => ({ raw, ...line.position(start) })) : splitWords(line, at);
  if (words[0]?.raw.startsWith('--'))
    throw line.fault(
      start,
      'COPY takes no options here: what is copied belongs to root; RUN chown or chmod where it should not',
    );
  const destination = words.at(-1);
  if (!destination || words.length < 2) throw line.fault(start, 'COPY needs a source and a destination');
  return { sources: words.slice(0, -1), destination };
}

/** Braces and quotes at once; values at once too, unless a variable keeps them open until the lines above are known. */
function check(instruction: Instruction): void {
  const words = wordsOf(instruction);
  for (const word of words) expand(word, {});
  if (!words.some(({ raw }) => raw.includes('$'))) resolve(instruction, bareSurroundings);
}

function wordsOf(instruction: Instruction): readonly Word[] {
  if (instruction.word === 'COPY') return [...instruction.sources, instruction.destination];
  if (instruction.word === 'WORKDIR') return [instruction.path];
  if (instruction.word === 'EXPOSE') return instruction.ports;
  if (instruction.word === 'ENV' || instruction.word === 'LABEL')
    return instruction.pairs.flatMap(({ key, value }) => [key, value]);
  return [];
}
