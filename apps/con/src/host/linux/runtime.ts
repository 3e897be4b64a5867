import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Limits } from '@berth/container';
import { Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import {
  rangeWidth,
  type AsideSpec,
  type ContainerSpec,
  type ExecSession,
  type LineSpec,
  type Running,
  type Runtime,
  type Slot,
} from '../runtime.js';
import { codeOf, readIfThere, type Cgroups } from './cgroups.js';
import { Endings } from './endings.js';
import { must, run } from './exec.js';
import { attach } from './attach.js';
import { Lives, type Life } from './lives.js';
import type { Lines } from './line.js';
import { isHeldTo, setLimits } from './limits.js';
import { lxcConfig } from './lxc-config.js';
import { mustBeSlot, vethOf } from './names.js';
import { isSame, signalPid, signalProcess, type Identity } from './process.js';
import { address6, prefix6 } from './prefix6.js';
import { handResolver } from './resolver.js';
import { seccompFile } from './seccomp.js';
import { found } from './survivors.js';

/** SIGRTMIN+3, by which systemd halts a container (systemd(1), SIGNALS). */
const halt = 37;

/** How often init is asked: a signal that comes before systemd listens is lost. */
const askEveryMs = 100;

/** How often death is looked for; a look is one small file. */
const lookEveryMs = 5;

/** How long LXC's monitor may take to remove veth and cgroups, of which root inside may have made many, before it is killed. */
const monitorMs = 30_000;

/** Processes in the kernel's hands, a slow disk's for instance, halt late. */
const freezeMs = 10_000;

/** How long the last hook of a start that failed is waited for; a monitor that hangs for longer is left alone. */
const lastHookMs = 1_000;

/** Containers by LXC's own commands. What runs is read from the kernel, never remembered. */
export class LinuxRuntime implements Runtime {
  private readonly lives: Lives;
  private readonly endings: Endings;
  /** Other limits than those a life began with: LXC knows nothing of them, and a reboot inside would undo them. */
  private readonly held = new Map<Slot, Limits>();

  constructor(
    private readonly config: Config,
    private readonly cgroups: Cgroups,
    private readonly lines: Pick<Lines, 'line' | 'aside' | 'clearLines'>,
  ) {
    this.lives = new Lives(this.lxcPath, cgroups);
    this.endings = new Endings(this.eventsDirectory, this.lives, () => this.holdAgain());
  }

  running(): Promise<readonly Running[]> {
    return Promise.resolve(this.lives.all().map((life) => this.asRunning(life)));
  }

  async start(slot: Slot, spec: ContainerSpec): Promise<Running> {
    const alive = this.lives.of(slot);
    if (alive) return this.asRunning(alive);
    await this.clear(slot);
    const directory = `${this.lxcPath}/${slot}`;
    // The root user inside is a stranger here, and LXC looks whether it can pass through; the files are for us alone.
    mkdirSync(directory, { recursive: true, mode: 0o711 });
    mkdirSync(this.eventsDirectory, { recursive: true, mode: 0o711 });
    writeFileSync(`${directory}/config`, this.configText(slot, spec), { mode: 0o600 });
    handResolver(spec.root, this.firstId(spec));
    const log = `${directory}/log`;
    const { code } = await run(['lxc-start', '-P', this.lxcPath, '-n', `${slot}`, '-o', log, '-l', 'ERROR', '-d']);
    const life = code === 0 ? this.lives.of(slot) : undefined;
    if (life) {
      this.endings.began(life);
      return this.asRunning(life);
    }
    const reason = lastError(readIfThere(log) ?? '');
    await this.monitorGone(slot);
    await this.stop(slot, { timeoutMs: 0 });
    throw new Problem('unavailable', `cannot start container ${slot}: ${reason}`);
  }

  async stop(slot: Slot, { timeoutMs, leaving }: Parameters<Runtime['stop']>[1]): Promise<void> {
    const monitor = this.lives.monitor(slot);
    const life = this.lives.of(slot);
    if (life) {
      this.thawNow(slot);
      await this.halt(life, timeoutMs);
    }
    await this.settle(slot, monitor);
    await leaving?.();
    await this.clear(slot);
  }

  async freeze(slot: Slot): Promise<void> {
    this.mustRun(slot);
    const { file, freeze } = this.cgroups.freezing(slot);
    writeFileSync(file, freeze);
    const deadline = performance.now() + freezeMs;
    while (!this.cgroups.isFrozenWhole(slot)) {
      if (performance.now() > deadline) {
        this.thawNow(slot);
        throw new Problem(
          'unavailable',
          `cannot freeze container ${slot}: the kernel could not halt all its processes`,
        );
      }
      await pause(1);
    }
  }

  async thaw(slot: Slot): Promise<void> {
    this.mustRun(slot);
    this.thawNow(slot);
  }

  async limit(slot: Slot, limits: Limits): Promise<void> {
    this.mustRun(slot);
    setLimits(this.cgroups, slot, limits);
    this.held.set(slot, limits);
  }

  exec(slot: Slot, argv: readonly string[]): ExecSession {
    if (!this.lives.of(slot)) {
      throw new Problem('conflict', `cannot run a command in container ${slot}: it is not running`);
    }
    return attach(this.lxcPath, slot, argv);
  }

  line(spec: LineSpec): Promise<number> {
    return this.lines.line(spec);
  }

  aside(spec: AsideSpec): Promise<number> {
    return this.lines.aside(spec);
  }

  remains(): Promise<readonly Slot[]> {
    const isNumber = (name: string): boolean => /^[1-9]\d*$/.test(name);
    const directories = [this.lxcPath, this.eventsDirectory].filter(existsSync).flatMap((path) => readdirSync(path));
    const prefix = vethOf(this.config, 1).slice(0, -1);
    const links = readdirSync('/sys/class/net').flatMap((name) =>
      name.startsWith(prefix) ? name.slice(prefix.length) : [],
    );
    const slots = new Set([...this.cgroups.slots(), ...[...directories, ...links].filter(isNumber).map(Number)]);
    return Promise.resolve([...slots].filter((slot) => !this.lives.has(slot)));
  }

  clearLines(): Promise<void> {
    return this.lines.clearLines();
  }

  async clear(slot: Slot): Promise<void> {
    if (this.lives.has(slot)) {
      throw new Problem('conflict', `cannot clear away container ${slot}: it is running; stop it first`);
    }
    this.held.delete(slot);
    await this.cgroups.remove(slot);
    const veth = vethOf(this.config, slot);
    if (existsSync(`/sys/class/net/${veth}`)) await must(['ip', 'link', 'delete', veth]);
    rmSync(`${this.eventsDirectory}/${slot}`, { force: true });
    rmSync(`${this.lxcPath}/${slot}`, { recursive: true, force: true });
    rmSync(`/run/lxc/lock${this.lxcPath}/.${slot}`, { force: true });
  }

  watch(ended: (slot: Slot) => void): () => void {
    return this.endings.watch(ended);
  }

  close(): void {
    this.endings.close();
  }

  private mustRun(slot: Slot): void {
    if (!this.lives.of(slot)) throw new Problem('conflict', `cannot reach container ${slot}: it is not running`);
  }

  /** Always the same spelling: LXC names its command socket after it. */
  private get lxcPath(): string {
    return `${this.config.runDirectory}/lxc`;
  }

  private get eventsDirectory(): string {
    return `${this.config.runDirectory}/ended`;
  }

  private firstId({ range }: ContainerSpec): bigint {
    return BigInt(this.config.firstId) + BigInt(range) * BigInt(rangeWidth);
  }

  private configText(slot: Slot, spec: ContainerSpec): string {
    return lxcConfig(spec, {
      name: `${mustBeSlot(slot)}`,
      veth: vethOf(this.config, slot),
      address6: this.address6(slot),
      firstId: this.firstId(spec),
      eventsDirectory: this.eventsDirectory,
      seccomp: seccompFile(this.config.runDirectory),
      cgroup: { box: this.cgroups.box(slot), monitor: this.cgroups.monitor(slot), pivot: this.cgroups.pivot },
      unified: {
        cpu: this.cgroups.isUnified('cpu'),
        memory: this.cgroups.isUnified('memory'),
        pids: this.cgroups.isUnified('pids'),
      },
      swap: this.cgroups.countsSwap,
    });
  }

  private address6(slot: Slot): string | undefined {
    const prefix = prefix6(this.config);
    return prefix && address6(prefix, slot);
  }

  private asRunning(life: Life): Running {
    return { slot: life.slot, initPid: life.pid, startedAt: life.startedAt, frozen: this.cgroups.frozen(life.slot) };
  }

  /**
   * A reboot inside gives a container the limits that its life began with, some moments after its new init is there: what
   * it is held to is looked at again and again. What cannot be set now may be at the next look.
   */
  private holdAgain(): void {
    for (const [slot, limits] of this.held) {
      try {
        if (this.lives.of(slot) && !isHeldTo(this.cgroups, slot, limits)) setLimits(this.cgroups, slot, limits);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT' && !(error instanceof Problem)) throw error;
      }
    }
  }

  /** A frozen container hears no signal. */
  private thawNow(slot: Slot): void {
    if (!this.cgroups.frozen(slot)) return;
    const { file, thaw } = this.cgroups.freezing(slot);
    writeFileSync(file, thaw);
  }

  private async halt(life: Life, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (let now = performance.now(), next = now; now < deadline && isSame(life); now = performance.now()) {
      if (now >= next) {
        signalProcess(life, halt);
        next += askEveryMs;
      }
      await pause(lookEveryMs);
    }
    if (isSame(life)) signalProcess(life, 'SIGKILL');
  }

  /** Waits for LXC's monitor, which removes veth and cgroups last; one that hangs is killed with all it watches. */
  private async settle(slot: Slot, monitor: Identity | undefined): Promise<void> {
    if (await this.isGone(slot, monitor)) return;
    for (const pid of this.cgroups.processes(slot)) signalPid(pid, 'SIGKILL');
    if (await this.isGone(slot, monitor)) return;
    throw new Problem('internal', `cannot end container ${slot}: the kernel does not let go of its processes`);
  }

  /**
   * A monitor whose init never ran leaves its cgroup before it runs its last hook, and can no longer be found there: it
   * is known by its words.
   */
  private async monitorGone(slot: Slot): Promise<void> {
    const words = `[lxc monitor] ${this.lxcPath} ${slot}`;
    const deadline = performance.now() + lastHookMs;
    while (!this.lives.of(slot) && found(([first = '']) => first.trim() === words).length > 0) {
      if (performance.now() > deadline) return;
      await pause(lookEveryMs);
    }
  }

  /** LXC closes its socket before it runs the last hook, so that its process is waited for too. */
  private async isGone(slot: Slot, monitor: Identity | undefined): Promise<boolean> {
    const deadline = performance.now() + monitorMs;
    while (this.lives.has(slot) || (monitor && isSame(monitor))) {
      if (performance.now() > deadline) return false;
      await pause(lookEveryMs);
    }
    return true;
  }
}

/** The reason LXC names last, without its time stamps. */
function lastError(log: string): string {
  const lines = log.split('\n').filter((line) => line.includes(' ERROR '));
  return lines.map((line) => line.replace(/^.* ERROR\s+/, '')).at(0) ?? 'LXC did not say why';
}
