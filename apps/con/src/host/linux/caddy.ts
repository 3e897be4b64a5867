import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import type { Facing, Front } from '../front.js';
import { caddyConfig, type Fronted } from './caddy-config.js';
import { codeOf, readIfThere } from './cgroups.js';
import { launch } from './exec.js';

const program = '/usr/bin/caddy';
/** Debian's package makes it. What strangers' requests are read by is not root. */
const account = 'caddy';
const startMs = 10_000;
const answerMs = 10_000;

type Answer = Readonly<{ status: number; text: string }>;

/**
 * Names by Caddy, told through its admin API on a unix socket. It runs on when con ends, so that apps answer while con
 * is upgraded; the next con finds it by its socket.
 */
export class CaddyFront implements Front {
  private last: Promise<unknown> = Promise.resolve();
  private wanted: readonly Facing[] | undefined;

  constructor(private readonly config: Fronted & Pick<Config, 'home' | 'runDirectory'>) {}

  get domain(): string {
    return this.config.appsDomain;
  }

  get lacks(): string | undefined {
    if (!existsSync(program)) return 'Caddy is missing: apt-get install caddy';
    return identity() ? undefined : `the account ${account} is missing: apt-get install --reinstall caddy`;
  }

  url(host: string): string {
    const { appsHttpsPort } = this.config;
    return `https://${host}${appsHttpsPort === 443 ? '' : `:${appsHttpsPort}`}`;
  }

  show(all: readonly Facing[]): Promise<void> {
    return this.inTurn(async () => {
      this.wanted = all;
      if (this.lacks) return; // whoever gives a name is told
      await this.load(all);
    });
  }

  hold(): Promise<boolean> {
    return this.inTurn(async () => {
      if (!this.wanted || this.lacks || (await this.ask('GET', '/id/none'))) return false;
      await this.start(this.wanted);
      return true;
    });
  }

  /** Ends it: from then on no name answers. Already ended is success. */
  remove(): Promise<void> {
    return this.inTurn(async () => {
      this.wanted = undefined;
      if (!(await this.ask('POST', '/stop'))) return;
      const deadline = performance.now() + startMs;
      while ((await this.ask('GET', '/id/none')) && performance.now() < deadline) await pause(20);
    });
  }

  /** Resolves once no change is under way. */
  async settled(): Promise<void> {
    await this.last;
  }

  private async load(all: readonly Facing[]): Promise<void> {
    const answer = await this.ask('POST', '/load', this.text(all));
    if (!answer) return this.start(all);
    if (answer.status !== 200) throw cannotServe(answer.text.slice(0, 500));
  }

  private async start(all: readonly Facing[]): Promise<void> {
    const who = identity();
    if (!who) throw cannotServe(this.lacks ?? 'Caddy is missing');
    for (const [parent, directory] of [
      [this.config.home, this.data],
      [this.config.runDirectory, this.directory],
    ] as const) {
      mkdirSync(parent, { recursive: true, mode: 0o711 });
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      chownSync(directory, who.uid, who.gid);
    }
    const file = `${this.directory}/config.json`;
    writeFileSync(file, this.text(all), { mode: 0o600 });
    chownSync(file, who.uid, who.gid);
    // Nothing of root but the right to listen below port 1024.
    const rights = ['--inh-caps', '-all,+net_bind_service', '--ambient-caps', '-all,+net_bind_service'];
    const bounds = ['--bounding-set', '-all,+net_bind_service', '--no-new-privs'];
    const user = ['--reuid', `${who.uid}`, '--regid', `${who.gid}`, '--init-groups'];
    const said = `${this.directory}/said`;
    const exit = launch(['setpriv', ...user, ...rights, ...bounds, '--', program, 'run', '--config', file], {
      said,
      environment: { HOME: this.data },
    });
    let isOver = false;
    exit.then(
      () => (isOver = true),
      () => (isOver = true),
    );
    const deadline = performance.now() + startMs;
    while (!(await this.ask('GET', '/id/none'))) {
      if (isOver || performance.now() > deadline) throw cannotServe(lastOf(readIfThere(said) ?? ''));
      await pause(10);
    }
  }

  private text(all: readonly Facing[]): string {
    const places = { socket: this.socket, data: this.data, log: `${this.directory}/log` };
    return JSON.stringify(caddyConfig(this.config, places, all));
  }

  /** Absent where nobody listens. */
  private ask(method: 'GET' | 'POST', path: string, body = ''): Promise<Answer | undefined> {
    const headers = { host: 'berth', origin: 'http://berth', 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.socket, method, path, headers, timeout: answerMs }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
        response.on('error', reject);
      });
      asked.on('timeout', () => asked.destroy(cannotServe(`Caddy did not answer for ${answerMs} ms`)));
      asked.on('error', (error) => {
        const isAbsent = ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(codeOf(error));
        if (isAbsent) resolve(undefined);
        else reject(error);
      });
      asked.end(body);
    });
  }

  private get directory(): string {
    return `${this.config.runDirectory}/caddy`;
  }

  private get socket(): string {
    return `${this.directory}/admin.sock`;
  }

  private get data(): string {
    return `${this.config.home}/caddy`;
  }

  private inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.last.then(task, task);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}

function identity(): { uid: number; gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${account}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** Caddy's own last word, such as that a port is taken. */
function lastOf(said: string): string {
  return said.trim().split('\n').at(-1)?.slice(-500) || 'Caddy ended without a word';
}

function cannotServe(why: string): Problem {
  return new Problem('unavailable', `cannot serve names: ${why}`);
}
