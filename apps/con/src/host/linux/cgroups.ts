import { existsSync, readFileSync, readdirSync, rmdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import type { Slot } from '../runtime.js';
import { mustBeSlot } from './names.js';

/** How long a dead container may hold on to its cgroups. */
const busyMs = 3_000;

/** What the kernel bounds and counts, by the names of cgroup v1. */
export type Controller = 'cpu' | 'cpuacct' | 'memory' | 'pids' | 'freezer';

/** One mounted hierarchy: v1 has one for each controller, v2 one for all. */
export type Hierarchy = Readonly<{ version: 1 | 2; path: string; controllers: readonly string[] }>;

/**
 * Where cgroups of containers lie: `<name>/<slot>/box` and, beside it, `<name>/<slot>/monitor` for LXC's own process.
 * The paths are fixed, because LXC otherwise counts names up when a dead life left its cgroups behind.
 */
export class Cgroups {
  readonly hierarchies: readonly Hierarchy[];

  constructor(
    private readonly config: Pick<Config, 'name'>,
    read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
  ) {
    this.hierarchies = hierarchies(read);
  }

  /** What a container's processes are in, below every hierarchy's root. LXC removes it at each end, a reboot's among them. */
  box(slot: Slot): string {
    return `${this.lives(slot)}/box`;
  }

  /** Around the box: what it counted outlives a reboot or an end, until a stopped container is cleared away. */
  lives(slot: Slot): string {
    return `${this.config.name}/${mustBeSlot(slot)}/lives`;
  }

  monitor(slot: Slot): string {
    return `${this.config.name}/${mustBeSlot(slot)}/monitor`;
  }

  /** Shared by all: what LXC leaves its monitors in while they remove their own. */
  get pivot(): string {
    return `${this.config.name}/pivot`;
  }

  /** The hierarchy that has a controller; absent where the kernel has it switched off. */
  of(controller: Controller): Hierarchy | undefined {
    const wanted = controller === 'cpuacct' ? ['cpuacct', 'cpu'] : [controller];
    return (
      this.hierarchies.find((one) => one.version === 1 && one.controllers.includes(controller)) ??
      this.hierarchies.find(
        (one) =>
          one.version === 2 && (controller === 'freezer' || wanted.some((word) => one.controllers.includes(word))),
      )
    );
  }

  /** Limits are set where the controllers are; both versions occur, even side by side. */
  isUnified(controller: Controller): boolean {
    return this.of(controller)?.version === 2;
  }

  /** Whether swap can be bounded: the files are missing where the kernel does not count it. */
  get countsSwap(): boolean {
    const memory = this.of('memory');
    if (!memory) return false;
    // The root of v2 has no limits at all, so that swap itself is asked for.
    return memory.version === 1 ? existsSync(`${memory.path}/memory.memsw.limit_in_bytes`) : existsSync('/proc/swaps');
  }

  frozen(slot: Slot): boolean {
    const { path, version } = this.need('freezer');
    const file = version === 1 ? 'freezer.state' : 'cgroup.freeze';
    const state = readIfThere(`${path}/${this.box(slot)}/${file}`)?.trim();
    return state !== undefined && state !== 'THAWED' && state !== '0';
  }

  /** The file that freezes and thaws, and the words it takes. */
  freezing(slot: Slot): { file: string; freeze: string; thaw: string } {
    const { path, version } = this.need('freezer');
    return version === 1
      ? { file: `${path}/${this.box(slot)}/freezer.state`, freeze: 'FROZEN', thaw: 'THAWED' }
      : { file: `${path}/${this.box(slot)}/cgroup.freeze`, freeze: '1', thaw: '0' };
  }

  /** Whether every process stands still by now: the kernel takes a moment. */
  isFrozenWhole(slot: Slot): boolean {
    const { path, version } = this.need('freezer');
    if (version === 1) return readIfThere(`${path}/${this.box(slot)}/freezer.state`)?.trim() === 'FROZEN';
    return /^frozen 1$/m.test(readIfThere(`${path}/${this.box(slot)}/cgroup.events`) ?? '');
  }

  /** A file of a controller in a container's own cgroup. */
  file(controller: Controller, slot: Slot, name: string): string {
    return `${this.need(controller).path}/${this.box(slot)}/${name}`;
  }

  /** LXC's process that watches over a container, when it has one. */
  monitorPid(slot: Slot): number | undefined {
    for (const { path } of this.hierarchies) {
      const text = readIfThere(`${path}/${this.monitor(slot)}/cgroup.procs`);
      const pid = Number.parseInt(text ?? '', 10);
      if (pid > 0) return pid;
    }
    return undefined;
  }

  /** Every process still in a container's cgroups, its monitor included. */
  processes(slot: Slot): number[] {
    const found = this.hierarchies.flatMap(({ path }) => processesBelow(`${path}/${this.config.name}/${slot}`));
    return [...new Set(found)];
  }

  /** Removes what a dead life left. @throws Problem when some process does not go. */
  async remove(slot: Slot): Promise<void> {
    for (const { path } of this.hierarchies) await removeSoon(`${path}/${this.config.name}/${mustBeSlot(slot)}`);
  }

  /** Removes con's own parent cgroups, once no container is left. */
  async removeAll(): Promise<void> {
    for (const { path } of this.hierarchies) await removeSoon(`${path}/${this.config.name}`);
  }

  /** Slots that have any cgroup, alive or left over. */
  slots(): Slot[] {
    const names = this.hierarchies.flatMap(({ path }) => directoriesIn(`${path}/${this.config.name}`));
    return [...new Set(names.filter((name) => /^\d+$/.test(name)).map(Number))];
  }

  private need(controller: Controller): Hierarchy {
    const found = this.of(controller);
    if (found) return found;
    throw new Problem('unavailable', `cannot find the cgroup controller ${controller}: switch it on in the kernel`);
  }
}

/** Mounted hierarchies, each with its root for LXC: init's own cgroup, without the scope systemd puts init in. */
function hierarchies(read: (path: string) => string): Hierarchy[] {
  const roots = rootsOf(read('/proc/1/cgroup'));
  return read('/proc/mounts')
    .split('\n')
    .flatMap((line): Hierarchy[] => {
      const [, mount = '', type = '', options = ''] = line.split(' ');
      if (type === 'cgroup') {
        const controllers = options.split(',');
        const root = [...roots].find(([key]) =>
          key.split(',').some((word) => word !== '' && controllers.includes(word)),
        );
        return [{ version: 1, path: below(mount, root?.[1]), controllers }];
      }
      if (type !== 'cgroup2') return [];
      const controllers = read(`${mount}/cgroup.controllers`).trim().split(/\s+/).filter(Boolean);
      return [{ version: 2, path: below(mount, roots.get('')), controllers }];
    });
}

function rootsOf(text: string): Map<string, string> {
  const lines = text.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [[controllers ?? '', path.replace(/\/init\.scope$/, '')] as const];
  });
  return new Map(lines);
}

function below(mount: string, root: string | undefined): string {
  return root === undefined || root === '/' || root === '' ? mount : `${mount}${root}`;
}

/** A process that has just died keeps its cgroup busy for some milliseconds more. */
export async function removeSoon(path: string): Promise<void> {
  const deadline = performance.now() + busyMs;
  while (!isRemoved(path)) {
    if (performance.now() > deadline) {
      throw new Problem('internal', `cannot remove the cgroup ${path}: processes are still in it`);
    }
    await pause(5);
  }
}

/** Deepest first: the kernel removes no cgroup that has children. */
function isRemoved(path: string): boolean {
  if (!directoriesIn(path).every((child) => isRemoved(`${path}/${child}`))) return false;
  try {
    rmdirSync(path);
    return true;
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return true;
    if (codeOf(cause) === 'EBUSY') return false;
    throw cause;
  }
}

export function processesBelow(path: string): number[] {
  const own = (readIfThere(`${path}/cgroup.procs`) ?? '').split('\n').filter(Boolean).map(Number);
  return [...own, ...directoriesIn(path).flatMap((child) => processesBelow(`${path}/${child}`))];
}

/** Root inside may nest cgroups deeper than a path can name: LXC's monitor, which goes step by step, removes those. */
function directoriesIn(path: string): string[] {
  if (!existsSync(path)) return [];
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENAMETOOLONG') return [];
    throw cause;
  }
}

/** A file of a container that may end at any moment: gone is an answer, not a fault. */
export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (['ENOENT', 'ENODEV', 'ESRCH', 'ENAMETOOLONG'].includes(codeOf(cause))) return undefined;
    throw cause;
  }
}

export function codeOf(thrown: unknown): string {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : '';
}
