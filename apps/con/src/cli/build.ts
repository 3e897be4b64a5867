import { createReadStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { putStream, type ConClient, type ResultOf } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import { textOf, textsOf, type Command, type Room } from './command.js';
import { packContext } from './context.js';
import { printLog } from './line-log.js';
import type { Terminal } from './terminal.js';
import { readTemplateKey, shownBytes, shownTime } from './units.js';

type Key = Readonly<{ name: string; version: string }>;
type Step = ResultOf<'templates.get'>['steps'][number];

export const build: Command = {
  words: 'templates build',
  short: 'build',
  method: 'templates.build',
  args: '<template:version> [directory]',
  options: [
    ['-f, --file <confile>', 'the Confile (default: Confile in the directory)'],
    ['--arg <name=value...>', 'a value for an ARG; may be given again'],
  ],
  run: async (room, given) => {
    const [template = '', directory = '.'] = given.args;
    const key = readTemplateKey(template);
    const path = textOf(given, 'file') ?? join(directory, 'Confile');
    const confile = readConfile(path);
    const args = argsIn(textsOf(given, 'arg'));
    const order = { ...key, confile, ...args };
    if (copies(confile)) await orderWithContext(room, order, directory);
    else await room.con['templates.build'](order);
    return untilInterrupted(room, key);
  },
};

function readConfile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Problem('invalid', `cannot read the Confile ${path}; name it with -f`, { cause });
  }
}

/** @throws Problem `invalid` */
function argsIn(texts: readonly string[]): { args?: Record<string, string> } {
  if (texts.length === 0) return {};
  const pairs = texts.map((text): [string, string] => {
    const at = text.indexOf('=');
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    throw new Problem('invalid', `cannot read ${JSON.stringify(text)} as an ARG: write it like --arg NAME=value`);
  });
  return { args: Object.fromEntries(pairs) };
}

/** Whether files are needed. The daemon reads the Confile for good; this only spares it a tar that nobody asks for. */
function copies(confile: string): boolean {
  return /^[ \t]*copy[ \t\\]/im.test(confile);
}

async function orderWithContext(
  { con, endpoint, terminal }: Room,
  order: Key & { confile: string; args?: Record<string, string> },
  directory: string,
): Promise<void> {
  await using context = await packContext(directory, (path) =>
    terminal.note(`left out: ${path} is no file, directory or symlink`),
  );
  const { upload } = await con['templates.build']({ ...order, contextBytes: context.bytes });
  if (upload !== undefined) await putStream(endpoint, upload, context.bytes, createReadStream(context.file));
}

/** Ctrl-C ends the build as well as the command; 130 is what shells say of a command that it ended. */
async function untilInterrupted(room: Room, key: Key): Promise<number> {
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort();
  room.interrupts.once('SIGINT', stop);
  try {
    return await follow(room, key, interrupt.signal);
  } catch (thrown) {
    if (!interrupt.signal.aborted) throw thrown;
    await room.con['templates.cancel'](key);
    room.terminal.note(`the build of ${key.name}:${key.version} is cancelled: nothing of it is left`);
    return 130;
  } finally {
    room.interrupts.off('SIGINT', stop);
  }
}

/** Tells each line as it ends, until the template is ready or has failed. */
async function follow({ con, terminal }: Room, key: Key, interrupted: AbortSignal): Promise<number> {
  const told = new Set<number>();
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 1.5, 400)) {
    const answer = await con['templates.get'](key);
    if (!terminal.json) tellSteps(terminal, answer.steps, told);
    if (answer.template.state !== 'building') {
      if (terminal.json) terminal.result(answer);
      return answer.template.state === 'ready' ? ready(terminal, answer) : failed(con, terminal, key, answer);
    }
    await sleep(pauseMs, undefined, { signal: interrupted });
  }
}

function tellSteps(terminal: Terminal, steps: readonly Step[], told: Set<number>): void {
  for (const step of steps) {
    if (told.has(step.line) || !['cached', 'done', 'failed'].includes(step.state)) continue;
    told.add(step.line);
    const time = step.milliseconds === undefined ? '' : shownTime(step.milliseconds);
    const size = step.sizeBytes === undefined ? '' : shownBytes(step.sizeBytes);
    terminal.line(
      `${String(step.line).padStart(3)}  ${step.state.padEnd(6)}  ${time.padStart(7)}  ${size.padStart(8)}  ${step.text}`,
    );
  }
}

function ready(terminal: Terminal, { template }: ResultOf<'templates.get'>): number {
  const { name, version, milliseconds, sizeBytes } = template;
  if (!terminal.json)
    terminal.line({ strong: `${name}:${version}` }, ` is ready: ${shownTime(milliseconds)}, ${shownBytes(sizeBytes)}`);
  return 0;
}

async function failed(
  con: ConClient,
  terminal: Terminal,
  key: Key,
  { template }: ResultOf<'templates.get'>,
): Promise<number> {
  const { line, reason } = template;
  if (line !== undefined && !terminal.json) await printLog(con, terminal, { ...key, line });
  terminal.note(
    `cannot build ${key.name}:${key.version}: ${line === undefined ? '' : `line ${line}: `}${reason ?? 'it failed'}`,
  );
  return 1;
}
