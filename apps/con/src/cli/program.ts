import { Command as Parser, CommanderError } from 'commander';
import { readFileSync } from 'node:fs';
import { conClient, faultIn, methods, Unreachable, type Endpoint } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import { commandApart } from './apart.js';
import type { Command, Given, Interrupts, Room } from './command.js';
import { containerCommands } from './containers.js';
import { exec } from './exec.js';
import { hostCommands } from './host.js';
import { templateCommands } from './templates.js';
import { Terminal, type Output } from './terminal.js';

/** The one table of commands. */
export const commands: readonly Command[] = [...hostCommands, ...templateCommands, ...containerCommands, exec];

export const exitCodes = { done: 0, refused: 1, misused: 2, unreachable: 69 } as const;

/** All that the command line has of the process around it. */
export type Surroundings = Readonly<{
  stdin: NodeJS.ReadStream;
  interrupts: Interrupts;
  stdout: Output;
  stderr: Output;
  /** Where the daemon's socket is unless a flag says otherwise. */
  socketPath: () => string;
  token: string | undefined;
  color: boolean;
  version: string;
  /** Settings of the daemon, each a flag. */
  settings: readonly Readonly<{ name: string; help: string; usual: string | undefined }>[];
  daemon: (flags: Readonly<Record<string, string>>) => Promise<number>;
}>;

/** Runs one command line and answers its exit code. */
export async function run(argv: readonly string[], around: Surroundings): Promise<number> {
  let code: number = exitCodes.misused;
  const program = programOf(around, (work) => work.then((result) => void (code = result)));
  try {
    await program.parseAsync(commandApart(argv), { from: 'user' });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.done : exitCodes.misused;
    return tellProblem(thrown, around);
  }
}

/** What is no Problem is nobody's answer, but a fault of ours or of the machine: it goes up. */
function tellProblem(thrown: unknown, { stdout, stderr }: Surroundings): number {
  if (!(thrown instanceof Problem)) throw thrown;
  const terminal = new Terminal({ out: stdout, err: stderr, json: false, color: false });
  terminal.note(thrown.message);
  if (!(thrown instanceof Unreachable)) return exitCodes.refused;
  terminal.note('The daemon runs with: con daemon. Another socket or address is named with --socket or --url.');
  return exitCodes.unreachable;
}

type Track = (work: Promise<number>) => Promise<void>;

function programOf(around: Surroundings, track: Track): Parser {
  const program = new Parser('con')
    .description('Manages the containers of one host. Every command but `daemon` asks the daemon.')
    .version(around.version)
    .option('--socket <path>', 'the unix socket of the daemon')
    .option('--url <url>', 'its address instead; the token is read from CON_TOKEN or --token-file')
    .option('--pin <pin>', 'the key that answers at an https address, as `con host info` tells it there')
    .option('--token-file <path>', 'file that holds the token')
    .option('--json', 'print results as JSON')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({ writeOut: (text) => around.stdout.write(text), writeErr: (text) => tellUsage(around, text) });
  addDaemon(program, around, track);
  const groups = new Map<string, Parser>();
  for (const command of commands) addTo(groupOf(program, groups, command), command, around, track);
  program.commandsGroup('Short forms:');
  for (const command of commands) if (command.short) add(program, command.short, command, around, track);
  return program;
}

/** A wrong word is quoted back, and may hold what acts on a terminal. */
function tellUsage({ stdout, stderr }: Surroundings, text: string): void {
  const terminal = new Terminal({ out: stdout, err: stderr, json: false, color: false });
  for (const line of text.trimEnd().split('\n')) terminal.note(line);
}

const groupHelp: Readonly<Record<string, string>> = {
  host: 'This host.',
  templates: 'Templates, built from Confiles.',
  containers: 'Containers, made from templates.',
  usage: 'What was used.',
};

function groupOf(program: Parser, groups: Map<string, Parser>, { words }: Command): Parser {
  const [name = ''] = words.split(' ');
  const group = groups.get(name) ?? program.command(name).description(groupHelp[name] ?? name);
  groups.set(name, group);
  return group;
}

function addTo(group: Parser, command: Command, around: Surroundings, track: Track): void {
  add(group, command.words.split(' ')[1] ?? '', command, around, track);
}

function add(parent: Parser, word: string, command: Command, around: Surroundings, track: Track): void {
  const { help } = methods[command.method];
  const parser = parent.command(`${word} ${command.args ?? ''}`.trim()).description(help);
  parser.summary(help.split(/[.;:]/, 1)[0] ?? help);
  for (const [flags, help] of command.options ?? []) {
    // Commander's own `<x...>` would take the arguments behind it, too.
    if (flags.endsWith('...>')) parser.option(flags.replace('...>', '>'), help, gathered, []);
    else parser.option(flags, help);
  }
  parser.action(async () => {
    const options = parser.optsWithGlobals<Given['options']>();
    await track(command.run(roomOf(options, around), { args: parser.args, options }));
  });
}

const gathered = (value: string, before: readonly string[]): readonly string[] => [...before, value];

function addDaemon(program: Parser, { settings, daemon }: Surroundings, track: Track): void {
  const parser = program
    .command('daemon')
    .description('Runs the daemon. Each setting may stand in a JSON file or in the environment as well.');
  parser.option('--config <file>', 'a JSON file with settings');
  for (const { name, help, usual } of settings)
    parser.option(`--${kebab(name)} <value>`, usual === undefined ? help : `${help} (default: ${usual})`);
  // A setting may share its flag with an option of the clients, which then holds its value.
  parser.action(() => track(daemon(parser.optsWithGlobals())));
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function roomOf(options: Given['options'], around: Surroundings): Room {
  const endpoint = endpointOf(options, around);
  const { stdin, interrupts, stdout: out, stderr: err, color } = around;
  const terminal = new Terminal({ out, err, json: options['json'] === true, color });
  return {
    con: conClient({ ...endpoint, timeoutMs: 60_000 }),
    endpoint,
    terminal,
    stdin,
    interrupts,
    raw: { out, err },
  };
}

function endpointOf({ url, socket, tokenFile, pin }: Given['options'], around: Surroundings): Endpoint {
  if (typeof url !== 'string') return { socketPath: typeof socket === 'string' ? socket : around.socketPath() };
  const pinned = typeof pin === 'string' ? { pin } : {};
  const fault = faultIn(url, pinned.pin);
  if (fault !== undefined) throw new Problem('invalid', `cannot use the URL ${JSON.stringify(url)}: it ${fault}`);
  const token = typeof tokenFile === 'string' ? tokenIn(tokenFile) : around.token;
  return token === undefined ? { url, ...pinned } : { url, token, ...pinned };
}

function tokenIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Problem('invalid', `cannot read the token from ${JSON.stringify(file)}: ${code ?? 'unknown'}`, { cause });
  }
}
