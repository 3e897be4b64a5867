import { createHash } from 'node:crypto';
import { chownSync, existsSync, renameSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { asProblem, Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import type { Layer } from '../layers.js';
import { BaseCache } from './base-cache.js';
import { finishArgv, sourcesList } from './base-finish.js';
import { must, open } from './exec.js';
import { firstIdOf, withIdMap } from './idmap.js';
import type { Lines } from './line.js';
import { mirrorOf, type Mirror } from './mirror.js';
import { mountPoints } from './mounts.js';
import { discard } from './removal.js';
import { whenFull } from './full.js';
import { directory, type Shelf } from './shelf.js';
import { hostSources } from './sources.js';
import { endSurvivors } from './survivors.js';
import { mountBind, mountShifted, unmount } from './syscalls.js';

/** The distributions that con knows to boot. */
const suites = ['bookworm', 'trixie'];

/** Beyond `minbase`: an init, its network, and trust in certificates. */
const packages = ['systemd', 'systemd-sysv', 'iproute2', 'netbase', 'procps', 'ca-certificates'];

/** Whose signatures are believed. */
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** debootstrap's words for its first stage, before those of one base. */
const firstStage = [
  '--foreign',
  '--variant=minbase',
  '--force-check-gpg',
  `--keyring=${keyring}`,
  `--include=${packages.join(',')}`,
];

/** A slow mirror and a slow disk together. */
const longestMs = 30 * 60_000;

type Io = Readonly<{ log: (chunk: Buffer) => void; signal: AbortSignal }>;

/**
 * Base systems, by debootstrap. Its first stage fetches, checks and unpacks on the host; no script of a package runs
 * there. The second stage runs them all in a container like that of any line.
 */
export class Bases {
  constructor(
    private readonly config: Config,
    private readonly shelf: Shelf,
    private readonly lines: Pick<Lines, 'line'>,
    /** Makes the directory that becomes the layer, where an ordinary one will not do. */
    private readonly makeTree: (path: string) => void = () => undefined,
  ) {}

  /** Makes a layer of a suite. @throws Problem with debootstrap's own reason; then nothing is left. */
  async lay(layer: Layer, suite: string, io: Io): Promise<void> {
    if (!suites.includes(suite)) {
      throw new Problem('invalid', `cannot make a base of ${JSON.stringify(suite)}: it must be ${suites.join(' or ')}`);
    }
    const mirror = mirrorOf(this.config.mirror, hostSources());
    const cache = this.config.baseCache === undefined ? undefined : new BaseCache(this.config.baseCache);
    const name = archiveName(suite, mirror);
    await this.drop(layer);
    try {
      const isKept = await this.unpackKept(layer, name, cache, io);
      if (!isKept) {
        await this.unpack(layer, suite, mirror.main, io);
        await this.settle(layer, suite, mirror, io);
        await this.keep(layer, name, cache, io);
      }
      await must(['sync', '--file-system', this.shelf.draft(layer)], { timeoutMs: longestMs });
      renameSync(this.shelf.draft(layer), this.shelf.layer(layer));
    } catch (thrown) {
      throw whenFull(thrown, `make a base of ${suite}`);
    } finally {
      await this.drop(layer);
    }
  }

  /** Removes what an unfinished base left. Already absent is success. */
  async drop(layer: Layer): Promise<void> {
    if (existsSync(this.shelf.draft(layer))) {
      const isOurs = (words: readonly string[]): boolean =>
        words.includes('--foreign') && words.includes(this.shelf.unpacking(layer));
      await endSurvivors(isOurs);
    }
    await clear(this.shelf.unpacking(layer));
    await clear(this.shelf.building(layer));
    if (existsSync(this.shelf.buildingGate(layer))) rmdirSync(this.shelf.buildingGate(layer));
    await discard(this.shelf.draft(layer), this.shelf.removed);
  }

  private async unpackKept(layer: Layer, name: string, cache: BaseCache | undefined, { signal }: Io): Promise<boolean> {
    if (!cache) return false;
    if (!existsSync(this.shelf.draft(layer))) this.makeTree(this.shelf.draft(layer));
    directory(this.shelf.draft(layer), { mode: 0o755, owner: firstIdOf(this.config, 0) });
    const isKept = await this.unshifted(layer, (target) => cache.unpack(name, target, signal));
    if (!isKept) await this.drop(layer);
    return isKept;
  }

  /** A base that cannot be kept is a base all the same. */
  private async keep(layer: Layer, name: string, cache: BaseCache | undefined, { log, signal }: Io): Promise<void> {
    if (!cache) return;
    try {
      await this.unshifted(layer, (tree) => cache.keep(name, tree, signal));
    } catch (thrown) {
      if (signal.aborted) throw thrown;
      log(Buffer.from(`The base is not kept for the next time: ${asProblem(thrown).message}\n`));
    }
  }

  /** Shows a draft with ids from 0 for as long as `use` takes. */
  private async unshifted<T>(layer: Layer, use: (path: string) => Promise<T>): Promise<T> {
    const [draft, target] = [this.shelf.draft(layer), this.shelf.unpacking(layer)];
    directory(target, { mode: 0o755 });
    await withIdMap(firstIdOf(this.config, 0), 0, (namespace) => mountShifted(draft, target, namespace));
    try {
      return await use(target);
    } finally {
      await clear(target);
    }
  }

  private async unpack(layer: Layer, suite: string, mirror: string, { log, signal }: Io): Promise<void> {
    const draft = this.shelf.draft(layer);
    const buildId = firstIdOf(this.config, 0);
    if (!existsSync(draft)) this.makeTree(draft);
    directory(draft, { mode: 0o755, owner: buildId });
    const said = new Tail();
    const code = await this.unshifted(layer, (target) => {
      const child = open(['debootstrap', ...firstStage, suite, target, mirror], { timeoutMs: longestMs, signal });
      for (const stream of [child.output, child.errors]) {
        stream.on('data', log);
        stream.on('data', (chunk: Buffer) => said.add(chunk));
      }
      child.input.end();
      return child.exit;
    });
    this.mustBeDone(code, said, signal, suite);
    tidy(draft, buildId);
  }

  private async settle(layer: Layer, suite: string, mirror: Mirror, { log, signal }: Io): Promise<void> {
    const root = this.shelf.building(layer);
    directory(this.shelf.buildingGate(layer), { mode: 0o700, owner: firstIdOf(this.config, 0) });
    directory(root, { mode: 0o755 });
    mountBind(this.shelf.draft(layer), root);
    const said = new Tail();
    const inside = (argv: readonly string[], environment: Readonly<Record<string, string>>): Promise<number> =>
      this.lines.line({
        layer,
        root,
        argv,
        workdir: '/',
        environment: { LC_ALL: 'C', ...environment },
        network: false,
        log: (chunk) => {
          log(chunk);
          said.add(chunk);
        },
        signal,
      });
    // `container` tells debootstrap not to try for device nodes.
    const second = await inside(['/debootstrap/debootstrap', '--second-stage'], { container: 'lxc' });
    this.mustBeDone(second, said, signal, suite);
    const hasUpdates = await offers(mirror.main, `${suite}-updates`, signal);
    const isSecure = mirror.security !== undefined && (await offers(mirror.security, `${suite}-security`, signal));
    const offered = isSecure ? mirror : { main: mirror.main };
    const sources = sourcesList(suite, offered, hasUpdates);
    this.mustBeDone(await inside(finishArgv, { SOURCES: sources }), said, signal, suite);
  }

  private mustBeDone(code: number, said: Tail, signal: AbortSignal, suite: string): void {
    if (signal.aborted) throw new Problem('unavailable', `cannot make a base of ${suite}: it was cancelled`);
    if (code === 0) return;
    const full = said.isFull || isFull(this.shelf.drafts);
    const reason = full ? 'the disk is full' : `debootstrap ended with ${code}: ${said.reason}`;
    const cause = full ? Object.assign(new Error(reason), { code: 'ENOSPC' }) : undefined;
    throw new Problem('unavailable', `cannot make a base of ${suite}: ${reason}`, { cause });
  }
}

/** Another recipe, another mirror or another processor makes another base. */
function archiveName(suite: string, mirror: Mirror): string {
  const recipe = JSON.stringify([firstStage, finishArgv, mirror.main, mirror.security]);
  return `${suite}-${process.arch}-${createHash('sha256').update(recipe).digest('hex').slice(0, 16)}`;
}

/** The last that a command said: in it is the reason. */
class Tail {
  private text = '';

  add(chunk: Buffer): void {
    this.text = (this.text + chunk.toString('utf8')).slice(-4000);
  }

  /** debootstrap marks its reasons with `E:`. */
  get reason(): string {
    const lines = this.text.split('\n').filter((line) => line.trim() !== '');
    return (lines.find((line) => line.startsWith('E: ')) ?? lines.at(-1) ?? 'it said nothing').replace(/^E: /, '');
  }

  get isFull(): boolean {
    return this.text.includes('No space left on device');
  }
}

/** Below this debootstrap fails in ways of its own, and keeps the reason to itself. */
const leastFree = 16n * 1024n * 1024n;

function isFull(path: string): boolean {
  const { bavail, bsize } = statfsSync(path, { bigint: true });
  return bavail * bsize < leastFree;
}

/**
 * What debootstrap takes from the host it runs on: the resolver, device nodes, and within Docker a link in place of
 * `/proc`. Nothing but its own first stage has written here, so that the paths are what they seem.
 */
function tidy(draft: string, owner: number): void {
  for (const name of ['proc', 'sys', 'dev']) {
    rmSync(`${draft}/${name}`, { recursive: true, force: true });
    directory(`${draft}/${name}`, { mode: 0o755, owner });
  }
  const resolver = `${draft}/etc/resolv.conf`;
  rmSync(resolver, { force: true });
  writeFileSync(resolver, '', { mode: 0o644, flag: 'wx' });
  chownSync(resolver, owner, owner);
  // Nothing of a draft outlives a power failure, so that dpkg need not wait for the disk; `finish` removes it.
  writeFileSync(`${draft}/etc/dpkg/dpkg.cfg.d/draft`, 'force-unsafe-io\n', { mode: 0o644 });
}

async function clear(path: string): Promise<void> {
  if (mountPoints().has(path)) await unmount(path);
  if (existsSync(path)) rmdirSync(path);
}

/** Whether an archive has a suite: asked for, because mirrors carry different ones. */
async function offers(archive: string, suite: string, signal: AbortSignal): Promise<boolean> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(15_000)]);
  try {
    return (await fetch(`${archive}/dists/${suite}/InRelease`, { method: 'HEAD', signal: soon })).ok;
  } catch (cause) {
    if (signal.aborted) throw new Problem('unavailable', 'cannot make a base: it was cancelled', { cause });
    return false; // it does not answer: apt inside could not use it either
  }
}
