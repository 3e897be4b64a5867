import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Slot } from '../runtime.js';
import { readIfThere, type Cgroups } from './cgroups.js';
import { childrenOf, identify, isSame, ticksPerSecond, type Identity } from './process.js';

/** One life of a container: its init, since when, and LXC's process that clears away after it. */
export type Life = Identity & Readonly<{ slot: Slot; startedAt: Date; monitor: Identity }>;

/** Who lives, read from the kernel without starting a process. */
export class Lives {
  /** What was found once and is checked at every look: finding costs four files, checking one. */
  private readonly found = new Map<Slot, Life>();
  private readonly bootedAt = Date.now() - uptime() * 1000;

  constructor(
    private readonly lxcPath: string,
    private readonly cgroups: Cgroups,
  ) {}

  all(): Life[] {
    return this.watched().flatMap((slot) => this.find(slot) ?? []);
  }

  /** Absent while LXC still makes it, and from its init's death on. */
  of(slot: Slot): Life | undefined {
    return this.has(slot) ? this.find(slot) : undefined;
  }

  /** Whether LXC's monitor listens: from before init's first moment to shortly before the last thing is cleared away. */
  has(slot: Slot): boolean {
    return readFileSync('/proc/net/unix', 'latin1').includes(`@${this.lxcPath}/${slot}/command\n`);
  }

  /** Slots that have a monitor; its command socket is named after LXC's path and the container. */
  watched(): Slot[] {
    const sockets = readFileSync('/proc/net/unix', 'latin1').split('\n');
    const start = `@${this.lxcPath}/`;
    const slots = sockets.flatMap((line) => {
      const at = line.indexOf(start);
      const [, slot] = at < 0 ? [] : (/^(\d+)\/command$/.exec(line.slice(at + start.length)) ?? []);
      return slot === undefined ? [] : [Number(slot)];
    });
    return [...new Set(slots)];
  }

  monitor(slot: Slot): Identity | undefined {
    const pid = this.cgroups.monitorPid(slot);
    return pid === undefined ? undefined : identify(pid);
  }

  private find(slot: Slot): Life | undefined {
    const known = this.found.get(slot);
    if (known && isSame(known)) return known;
    this.found.delete(slot);
    const life = this.seek(slot);
    if (life) this.found.set(slot, life);
    return life;
  }

  /** Init is the monitor's child that is number 1 in its own namespace. */
  private seek(slot: Slot): Life | undefined {
    const monitor = this.monitor(slot);
    if (!monitor) return undefined;
    const init = childrenOf(monitor.pid).find((pid) => /^NSpid:.*\t1$/m.test(readIfThere(`/proc/${pid}/status`) ?? ''));
    const identity = init === undefined ? undefined : identify(init);
    if (!identity) return undefined;
    const startedAt = new Date(Math.round(this.bootedAt + (identity.ticks * 1000) / ticksPerSecond));
    return { slot, ...identity, startedAt, monitor };
  }
}
