import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { pidFileIn, serviceMark } from './leftovers.ts';

export type ServiceOptions = Readonly<{
  name: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  logFile: string;
  /** Answers once the service can be used; asked again and again. */
  ready: () => Promise<boolean>;
  /** Hears every whole line that it prints. */
  hear?: (line: string) => void;
  /** How long it may take to become ready. */
  withinMs?: number;
}>;

/** A program of ours that runs beside this one, its output in a file. */
export class Service {
  readonly name: string;
  private readonly child: ChildProcess;
  private readonly logFile: string;
  private readonly ended: Promise<number>;
  private readonly logClosed: Promise<unknown>;
  private stopping = false;

  private constructor(name: string, child: ChildProcess, logFile: string, logClosed: Promise<unknown>) {
    this.name = name;
    this.child = child;
    this.logFile = logFile;
    this.logClosed = logClosed;
    this.ended = new Promise((settle) => child.once('exit', (code) => settle(code ?? 1)));
  }

  /** @throws Error with the end of its log where it dies or does not become ready. */
  static async start(options: ServiceOptions): Promise<Service> {
    const directory = dirname(options.logFile);
    mkdirSync(directory, { recursive: true });
    const log = createWriteStream(options.logFile, { flags: 'a', mode: 0o600 });
    // A group of its own: Ctrl-C reaches this process alone, which then stops its services in order.
    const child = spawn(process.execPath, ['--no-warnings', ...options.args], {
      env: { ...process.env, ...options.env, ...serviceMark(directory) },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    writeFileSync(pidFileIn(directory), `${child.pid}\n`);
    let recent = '';
    if (options.hear) createInterface({ input: child.stdout! }).on('line', options.hear);
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk: Buffer) => {
        log.write(chunk);
        recent = (recent + chunk.toString()).slice(-4_000);
      });
    }
    const service = new Service(options.name, child, options.logFile, once(log, 'close'));
    child.once('close', () => log.end());
    const deadline = Date.now() + (options.withinMs ?? 30_000);
    while (!(await options.ready().catch(() => false))) {
      if (child.exitCode !== null)
        throw new Error(`cannot start ${options.name}: it ended with ${child.exitCode}\n${recent}`);
      if (Date.now() > deadline) {
        await service.stop();
        throw new Error(
          `cannot start ${options.name}: it was not ready in time; its log is ${options.logFile}\n${recent}`,
        );
      }
      await delay(30);
    }
    return service;
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Calls back when it ends without having been asked to. */
  whenItDies(tell: (message: string) => void): void {
    void this.ended.then(
      (code) => this.stopping || tell(`${this.name} ended by itself with ${code}; its log is ${this.logFile}`),
    );
  }

  /** Asks it to end, and insists after ten seconds. Then its log is closed, too, so that its disk can be unmounted. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    this.stopping = true;
    if (this.child.exitCode !== null) return;
    this.child.kill(signal);
    const patience = new AbortController();
    await Promise.race([
      this.ended,
      delay(10_000, undefined, { signal: patience.signal }).then(
        () => this.child.kill('SIGKILL'),
        () => false,
      ),
    ]);
    patience.abort();
    await this.ended;
    rmSync(pidFileIn(dirname(this.logFile)), { force: true });
    await this.logClosed;
  }
}
