import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

export type Ended = Readonly<{ code: number; out: string; err: string }>;

/** con out of its tarball, installed in a place that holds nothing else. */
export class PackedCon {
  readonly home = mkdtempSync(join(tmpdir(), 'con-alone-'));
  readonly main = join(this.home, 'node_modules/@berth/con/dist/main.js');
  daemon: ChildProcess | undefined;
  private readonly socket: string;

  constructor(readonly runDirectory = join(this.home, 'run')) {
    this.socket = join(runDirectory, 'con.sock');
  }

  /** Packs and installs; `flags` are npm's. @throws Error with what was printed. */
  async install(...flags: string[]): Promise<void> {
    await must(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'apps/con'], root);
    const packed = await must(process.execPath, [join(root, 'tools/pack.mjs'), 'con', this.home], root);
    writeFileSync(join(this.home, 'package.json'), '{"private":true}');
    const usual = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
    await must('npm', ['install', ...usual, ...flags, packed.out.trim()], this.home);
  }

  /** Starts the daemon and waits until it listens. */
  async start(settings: readonly string[]): Promise<void> {
    const own = ['--home', join(this.home, 'home'), '--run-directory', this.runDirectory, '--listen-port', '0'];
    const daemon = spawn(process.execPath, [this.main, 'daemon', ...own, ...settings], { cwd: this.home });
    this.daemon = daemon;
    let said = '';
    for (const stream of [daemon.stdout, daemon.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
    while (!said.includes('listening')) {
      if (daemon.exitCode !== null) throw new Error(`the daemon ended with ${daemon.exitCode}: ${said}`);
      await Promise.race([once(daemon.stdout, 'data'), once(daemon, 'exit')]);
    }
  }

  /** The command line, at this daemon. */
  con(...words: string[]): Promise<Ended> {
    return this.run('--socket', this.socket, ...words);
  }

  run(...words: string[]): Promise<Ended> {
    return run(process.execPath, [this.main, ...words], this.home);
  }

  /** Tells the daemon to go down, and answers with its exit code. */
  async stop(): Promise<number | null> {
    const { daemon } = this;
    if (!daemon) return 0;
    if (daemon.exitCode === null) {
      const ended = once(daemon, 'exit');
      daemon.kill('SIGTERM');
      await ended;
    }
    return daemon.exitCode;
  }

  remove(): void {
    rmSync(this.home, { recursive: true });
  }
}

/** Runs a program to its end; a code other than 0 is an answer too. */
export function run(file: string, argv: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(file, argv, { cwd, maxBuffer: 2 ** 24 }, (_, out, err) => {
      resolve({ code: child.exitCode ?? 1, out, err });
    });
  });
}

async function must(file: string, argv: readonly string[], cwd: string): Promise<Ended> {
  const ended = await run(file, argv, cwd);
  if (ended.code === 0) return ended;
  throw new Error(`${file} ${argv.join(' ')} ended with ${ended.code}\n${ended.out}${ended.err}`);
}
