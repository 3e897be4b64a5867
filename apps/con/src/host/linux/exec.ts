import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { constants } from 'node:os';
import { Problem } from '@berth/problem';

/** What a command is given besides its words. Its environment is ours, never the daemon's. */
export type Given = Readonly<{
  /** Written to its standard input; nothing where absent. */
  input?: string | Buffer;
  /** Killed, with all that it started, when this is over. */
  timeoutMs?: number;
  /** Of each output; what is longer is cut, and `isCut` says so. */
  maxBytes?: number;
  cwd?: string;
  environment?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}>;

export type Ended = Readonly<{
  /** 128 + n after signal n, as shells have it. */
  code: number;
  output: string;
  errors: string;
  isCut: boolean;
}>;

/** A command under way. `kill` takes everything that it started and that stayed in its process group. */
export type Process = Readonly<{
  pid: number;
  input: Writable;
  output: Readable;
  errors: Readable;
  exit: Promise<number>;
  kill(signal?: NodeJS.Signals): void;
}>;

const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', HOME: '/root' };

/** Starts a command in a process group of its own; never through a shell. @throws Problem where it cannot be started. */
export function open(argv: readonly string[], given: Omit<Given, 'input' | 'maxBytes'> = {}): Process {
  const [command = '', ...words] = argv;
  const child = spawn(command, words, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { ...environment, ...given.environment },
    cwd: given.cwd ?? '/',
  });
  const kill = (signal: NodeJS.Signals = 'SIGKILL'): void => killGroup(child, signal);
  const deadline = given.timeoutMs === undefined ? undefined : setTimeout(kill, given.timeoutMs);
  const abort = (): void => kill();
  given.signal?.addEventListener('abort', abort, { once: true });
  if (given.signal?.aborted) kill();
  const exit = ended(child, command).finally(() => {
    clearTimeout(deadline);
    given.signal?.removeEventListener('abort', abort);
  });
  exit.catch(() => undefined); // whoever awaits it hears of it; nobody has to
  child.stdin.on('error', () => undefined); // a command may leave before it has read everything: its exit code tells
  return { pid: child.pid ?? 0, input: child.stdin, output: child.stdout, errors: child.stderr, exit, kill };
}

/**
 * Starts a command that outlives us; what it says goes to a file, because a pipe would break with us and end it.
 * Resolves with its exit code if we are still there. @throws Problem where it cannot be started.
 */
export function launch(
  argv: readonly string[],
  given: Readonly<{ said: string; environment?: Readonly<Record<string, string>> }>,
): Promise<number> {
  const [command = '', ...words] = argv;
  const said = openSync(given.said, 'w', 0o600);
  try {
    const env = { ...environment, ...given.environment };
    const child = spawn(command, words, { stdio: ['ignore', said, said], detached: true, env, cwd: '/' });
    child.unref();
    const exit = ended(child, command);
    exit.catch(() => undefined); // whoever awaits it hears of it; nobody has to
    return exit;
  } finally {
    closeSync(said);
  }
}

/** Runs a command to its end. @throws Problem where it cannot be started, or was killed by its deadline or the signal. */
export async function run(argv: readonly string[], given: Given = {}): Promise<Ended> {
  const { timeoutMs = 30_000, maxBytes = 1024 * 1024, input, ...rest } = given;
  const started = Date.now();
  const child = open(argv, { ...rest, timeoutMs });
  const [output, errors] = [kept(child.output, maxBytes), kept(child.errors, maxBytes)];
  child.input.end(input);
  const code = await child.exit;
  if (given.signal?.aborted) throw new Problem('unavailable', `cannot finish ${argv[0]}: it was cancelled`);
  if (code === 128 + constants.signals.SIGKILL && Date.now() - started >= timeoutMs) {
    throw new Problem('unavailable', `cannot finish ${argv[0]}: it took longer than ${timeoutMs} ms`);
  }
  return { code, output: output.text(), errors: errors.text(), isCut: output.isCut() || errors.isCut() };
}

/** Runs a command that has to succeed. @throws Problem `unavailable`, with the command's own reason. */
export async function must(argv: readonly string[], given: Given = {}): Promise<string> {
  const { code, output, errors } = await run(argv, given);
  if (code === 0) return output;
  const reason = (errors.trim() || output.trim()).slice(-2000) || 'it said nothing';
  throw new Problem('unavailable', `cannot ${argv.slice(0, 3).join(' ')}: exit code ${code}: ${reason}`);
}

function ended(child: ChildProcess, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new Problem('unavailable', `cannot start ${command}: ${cause.message}`, { cause })),
    );
    // `close` and not `exit`: the last output has been read by then.
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown; // gone already
  }
}

/** Keeps the first bytes, and goes on reading, so that the command is not held up. */
function kept(stream: Readable, maxBytes: number): { text(): string; isCut(): boolean } {
  const chunks: Buffer[] = [];
  let length = 0;
  let cut = false;
  stream.on('data', (chunk: Buffer) => {
    const room = maxBytes - length;
    cut ||= chunk.length > room;
    const part = chunk.subarray(0, room);
    length += part.length;
    if (part.length > 0) chunks.push(part);
  });
  return { text: () => Buffer.concat(chunks).toString('utf8'), isCut: () => cut };
}
