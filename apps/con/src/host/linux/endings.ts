import { mkdirSync, watch, type FSWatcher } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Slot } from '../runtime.js';
import type { Life, Lives } from './lives.js';
import { isSame } from './process.js';

/** A monitor that was killed runs no hook: this often the kernel is asked without being told. */
const sweepMs = 1_000;

/** After init's death LXC takes some 80 ms to clear away; this long it is followed closely. */
const followMs = 5_000;
const followEveryMs = 5;

/**
 * Who has ended. LXC's post-stop hook touches a file named after the slot, which is the sign to look.
 *
 * A reboot inside is no end: LXC's monitor stays and starts a new init, and the container is found running with another
 * `startedAt`. It has ended once its monitor is gone.
 */
export class Endings {
  private readonly known = new Map<Slot, Life>();
  private readonly listeners = new Set<(slot: Slot) => void>();
  private files?: FSWatcher;
  private sweep?: NodeJS.Timeout;

  constructor(
    private readonly directory: string,
    private readonly lives: Lives,
    /** Called at every look. */
    private readonly looked: () => void,
  ) {}

  watch(ended: (slot: Slot) => void): () => void {
    this.listeners.add(ended);
    if (!this.files) this.begin();
    return () => {
      this.listeners.delete(ended);
      if (this.listeners.size === 0) this.close();
    };
  }

  /** A life that might be over before the next look must be known of. */
  began(life: Life): void {
    if (this.files) this.known.set(life.slot, life);
  }

  close(): void {
    this.files?.close();
    this.files = undefined;
    clearInterval(this.sweep);
    this.known.clear();
  }

  private begin(): void {
    mkdirSync(this.directory, { recursive: true, mode: 0o711 });
    this.files = watch(this.directory, (_event, name) => {
      if (name && /^\d+$/.test(name)) void this.follow(Number(name));
    });
    this.sweep = setInterval(() => this.look(), sweepMs).unref();
    this.look();
  }

  /** Looks again and again until the slot's life is over or has become another one. */
  private async follow(slot: Slot): Promise<void> {
    const before = this.known.get(slot);
    const deadline = performance.now() + followMs;
    while (before && !isSame(before) && this.known.get(slot) === before && performance.now() < deadline) {
      this.look();
      await pause(followEveryMs);
    }
  }

  private look(): void {
    if (!this.files) return;
    for (const [slot, { monitor }] of [...this.known]) {
      if (isSame(monitor)) continue;
      this.known.delete(slot);
      for (const tell of [...this.listeners]) tell(slot);
    }
    for (const life of this.lives.all()) {
      if (this.known.get(life.slot)?.ticks !== life.ticks) this.known.set(life.slot, life);
    }
    this.looked();
  }
}
