import { readFileSync } from 'node:fs';
import { asProblem } from '@berth/problem';
import { pino } from 'pino';
import { run } from './cli/program.js';
import { ConfigFault, readCaller, readConfig, settings, socketPathOf } from './config.js';

/** EX_CONFIG, EX_UNAVAILABLE and EX_IOERR of sysexits.h; after SIGPIPE, as a shell counts it. */
const exitCodes = { config: 78, unavailable: 69, output: 74, pipe: 141 } as const;

/** From the words on the command line to an exit code: the daemon, or a client of it. */
export async function enter(argv: readonly string[]): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const { token, color } = readCaller();
  for (const stream of [stdout, stderr]) stream.on('error', endQuietly);
  try {
    return await run(argv, {
      stdin,
      interrupts: process,
      stdout,
      stderr,
      token,
      color: color && stdout.isTTY,
      version: versionOf(new URL('../package.json', import.meta.url)),
      socketPath: () => socketPathOf(readConfig({})),
      settings,
      daemon: runDaemon,
    });
  } catch (thrown) {
    if (!(thrown instanceof ConfigFault)) throw thrown;
    stderr.write(`${thrown.message}\n`);
    return exitCodes.config;
  }
}

function versionOf(manifest: URL): string {
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return version;
}

/** Runs until SIGTERM or SIGINT; a second signal ends it at once. */
async function runDaemon(flags: Readonly<Record<string, string>>): Promise<number> {
  const config = readConfig(flags);
  const log = pino({ level: config.logLevel });
  const { startDaemon } = await import('./daemon.js');
  const asked = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
  });
  try {
    const daemon = await startDaemon(config, log);
    log.info({ signal: await asked }, 'going down');
    await daemon.close();
    return 0;
  } catch (thrown) {
    const problem = asProblem(thrown);
    log.fatal({ err: thrown }, problem.message);
    return exitCodes.unavailable;
  }
}

/** Whoever read what we print has enough of it (`con list | head`), or cannot keep it: a full disk. Nobody is left to tell. */
function endQuietly(fault: NodeJS.ErrnoException): void {
  process.exit(fault.code === 'EPIPE' ? exitCodes.pipe : exitCodes.output);
}
