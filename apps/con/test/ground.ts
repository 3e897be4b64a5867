import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig, type Config } from '../src/config.js';
import { Cgroups } from '../src/host/linux/cgroups.js';
import { must, open } from '../src/host/linux/exec.js';
import { Lines } from '../src/host/linux/line.js';
import { mountsBelow } from '../src/host/linux/mounts.js';
import type { Shelf } from '../src/host/linux/shelf.js';
import { storageOf, type Storage } from '../src/host/linux/storage.js';
import { unmount } from '../src/host/linux/syscalls.js';
import type { Layer } from '../src/host/layers.js';
import type { LineSpec } from '../src/host/runtime.js';

/** Where base systems are kept between test runs: laid down once for each suite, and each version of how that is done. */
export const cache = process.env['BERTH_TEST_CACHE'] ?? '/var/cache/berth-test';

export type Said = { code: number; text: string };

/** A con of its own on this host: random names, its own directories; all of it is gone after `leave`. */
export class Ground {
  readonly config: Config;
  readonly cgroups: Cgroups;
  readonly lines: Lines;
  readonly layers: Storage;
  readonly shelf: Shelf;
  private readonly directory: string;

  constructor(settings: Readonly<Record<string, string>> = {}) {
    const name = `t${randomInt(36 ** 4).toString(36)}`;
    this.directory = join(tmpdir(), `berth-test-${name}`); // made with its first file: a test that is not run leaves nothing
    this.config = readConfig(
      {
        name,
        firstId: `${65_536 * (1000 + 100 * randomInt(500))}`,
        home: `${this.directory}/home`,
        runDirectory: `/run/berth-test/${name}`,
        addressPool: `10.${randomInt(100, 250)}.0.0/16`,
        ...settings,
      },
      {},
    );
    this.cgroups = new Cgroups(this.config);
    this.lines = new Lines(this.config, this.cgroups);
    this.layers = storageOf(this.config, this.lines);
    this.shelf = this.layers.shelf;
  }

  /** Puts a base down as a layer; the first time ever by debootstrap, after that from the cache. */
  async base(layer: Layer, suite = 'bookworm'): Promise<void> {
    await this.layers.prepare();
    const io = { log: () => undefined, signal: AbortSignal.timeout(15 * 60_000) };
    const kept = storageOf({ ...this.config, baseCache: cache }, this.lines);
    await withLock(`${cache}/${suite}.lock`, async () => void (await kept.base(layer, suite, io)));
  }

  /** Runs one shell command as a layer of its own, and seals it. */
  async built(layer: Layer, chain: readonly Layer[], command: string): Promise<Said> {
    const root = await this.layers.open(layer, chain);
    const said = await this.said({ layer, root, argv: ['/bin/sh', '-c', command] });
    await this.layers.seal(layer);
    return said;
  }

  async said(spec: Pick<LineSpec, 'layer' | 'root' | 'argv'> & Partial<LineSpec>): Promise<Said> {
    const chunks: Buffer[] = [];
    const code = await this.lines.line({
      workdir: '/',
      environment: {},
      network: false,
      log: (chunk) => chunks.push(chunk),
      signal: new AbortController().signal,
      ...spec,
    });
    return { code, text: Buffer.concat(chunks).toString('utf8') };
  }

  /** Has another process of this con begin some work (see starter.ts), and kills it once the work says something. */
  async killed(...work: readonly string[]): Promise<void> {
    const flags = JSON.stringify({ ...this.config, firstId: `${this.config.firstId}` });
    const [hooks, source] = ['from-source.mjs', 'starter.ts'].map((name) => new URL(name, import.meta.url).pathname);
    const words = ['--no-warnings', '--experimental-transform-types', '--import', hooks!, source!, flags, ...work];
    const daemon = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(daemon.stdout, 'data');
    daemon.kill('SIGKILL');
    await once(daemon, 'exit');
  }

  /** What of this con is to be found on the host: mounts, interfaces, cgroups, processes of lines. */
  async traces(): Promise<string[]> {
    const { name, runDirectory, home } = this.config;
    const cgroups = await Promise.all(
      this.cgroups.hierarchies.map(({ path }) => must(['find', path, '-type', 'd', '-path', `*/${name}/lines/*`])),
    );
    const links = await must(['ip', '-o', 'link']);
    return [
      ...mountsBelow(runDirectory),
      ...mountsBelow(home),
      ...cgroups.flatMap((text) => text.split('\n').filter(Boolean)),
      ...[...links.matchAll(/^\d+: ([^:@]+)/gm)]
        .map((match) => match[1]!)
        .filter((link) => link.startsWith(`${name}b`)),
    ];
  }

  async leave(): Promise<void> {
    await this.lines.clearLines();
    for (const path of [...mountsBelow(this.config.runDirectory), ...mountsBelow(this.config.home)])
      await unmount(path);
    await this.cgroups.removeAll();
    await must(['rm', '-rf', '--one-file-system', '--', this.directory], long);
    rmSync(this.config.runDirectory, { recursive: true, force: true });
  }
}

const long = { timeoutMs: 10 * 60_000 };

/** One at a time among all test processes; the kernel gives the lock back whatever happens to us. */
async function withLock(path: string, work: () => Promise<void>): Promise<void> {
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const holder = open(['flock', path, 'cat']);
  try {
    holder.input.write('\n');
    await once(holder.output, 'data');
    await work();
  } finally {
    holder.input.end();
    await holder.exit;
  }
}
