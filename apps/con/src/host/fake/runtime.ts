import { EventEmitter } from 'node:events';
import { PassThrough } from 'node:stream';
import { Problem } from '@berth/problem';
import type { Limits } from '@berth/container';
import {
  tooLittleMemory,
  type AsideSpec,
  type ContainerSpec,
  type ExecSession,
  type LineSpec,
  type Running,
  type Runtime,
  type Slot,
} from '../runtime.js';
import type { Shelf } from './shelf.js';

export type FakeLife = Readonly<{ startedAt: number; address: string; memoryBytes: string; frozen: boolean }>;

/** Where an app's first boot leaves its login (docs/templates.md); a fake one has a login too, which opens nothing. */
const loginFile = '/var/lib/berth/login';

/** Containers that are only told of. A line that says `exit N` ends with N; every other one succeeds. */
export class FakeRuntime implements Runtime {
  private readonly events = new EventEmitter();

  constructor(
    private readonly lives: Shelf<FakeLife>,
    private readonly now: () => number,
  ) {
    this.events.setMaxListeners(0);
  }

  running(): Promise<readonly Running[]> {
    return Promise.resolve(this.lives.numbers().map((slot) => this.asRunning(slot)));
  }

  start(slot: Slot, { address, limits }: ContainerSpec): Promise<Running> {
    if (!this.lives.get(slot)) {
      this.lives.put(slot, {
        startedAt: this.now(),
        address,
        memoryBytes: `${limits.memoryBytes / 4n}`,
        frozen: false,
      });
    }
    return Promise.resolve(this.asRunning(slot));
  }

  async stop(slot: Slot, { leaving }: Partial<Parameters<Runtime['stop']>[1]> = {}): Promise<void> {
    if (this.lives.get(slot)) {
      this.lives.take(slot);
      this.events.emit('ended', slot);
    }
    await leaving?.();
  }

  freeze(slot: Slot): Promise<void> {
    return this.set(slot, { frozen: true });
  }

  thaw(slot: Slot): Promise<void> {
    return this.set(slot, { frozen: false });
  }

  /** Memory below what is in use is refused, as the kernel does. */
  async limit(slot: Slot, { memoryBytes }: Limits): Promise<void> {
    const used = BigInt(this.lives.get(slot)?.memoryBytes ?? 0);
    if (memoryBytes < used) throw tooLittleMemory(used);
  }

  /** Answers what was asked of it, so that a caller sees that bytes arrive. */
  exec(slot: Slot, argv: readonly string[]): ExecSession {
    if (!this.lives.get(slot))
      throw new Problem('conflict', `cannot run a command in container ${slot}: it is not running`);
    const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
    input.resume();
    const reads = argv.at(-1) === loginFile && ['cat', 'head'].includes(argv[0] ?? '');
    output.end(reads ? `user=nobody\npassword=pretended-${slot}\n` : `${argv.join(' ')}\n`);
    errors.end();
    return { input, output, errors, exit: Promise.resolve(exitCodeIn(argv)), kill: () => undefined };
  }

  async line({ argv, input, log, signal }: LineSpec): Promise<number> {
    signal.throwIfAborted();
    if (input) {
      for await (const chunk of input) void chunk; // a COPY: it prints nothing, and succeeds
      return 0;
    }
    log(Buffer.from(`pretending to run ${argv.join(' ')}\n`));
    return exitCodeIn(argv);
  }

  async aside({ argv, log, signal }: AsideSpec): Promise<number> {
    signal.throwIfAborted();
    if (argv[0] === 'journalctl') log(Buffer.from(`${pretendedEntry}\n`));
    else log(Buffer.from(`pretending to run ${argv.join(' ')}\n`));
    return exitCodeIn(argv);
  }

  async clear(slot: Slot): Promise<void> {
    if (this.lives.get(slot)) throw new Problem('conflict', `cannot clear away container ${slot}: it is running`);
  }

  remains(): Promise<readonly Slot[]> {
    return Promise.resolve([]);
  }

  clearLines(): Promise<void> {
    return Promise.resolve();
  }

  watch(ended: (slot: Slot) => void): () => void {
    this.events.on('ended', ended);
    return () => this.events.off('ended', ended);
  }

  /** As a restart of the host does: nothing runs any more, and nobody is told. */
  forgetAll(): void {
    for (const slot of this.lives.numbers()) this.lives.take(slot);
  }

  /** As if somebody had typed poweroff inside. */
  powerOff(slot: Slot): void {
    void this.stop(slot);
  }

  private async set(slot: Slot, change: Partial<FakeLife>): Promise<void> {
    const life = this.lives.get(slot);
    if (!life) throw new Problem('conflict', `cannot reach container ${slot}: it is not running`);
    this.lives.put(slot, { ...life, ...change });
  }

  private asRunning(slot: Slot): Running {
    const life = this.lives.get(slot);
    if (!life) throw new Problem('not_found', `cannot find container ${slot}`);
    return { slot, initPid: 1_000 + slot, startedAt: new Date(life.startedAt), frozen: life.frozen };
  }
}

function exitCodeIn(argv: readonly string[]): number {
  return Number(/\bexit (\d{1,3})\b/.exec(argv.join(' '))?.[1] ?? 0);
}

const pretendedEntry = JSON.stringify({
  __CURSOR: 's=1;i=1',
  __REALTIME_TIMESTAMP: '1893456000000000',
  SYSLOG_IDENTIFIER: 'fake',
  PRIORITY: '6',
  MESSAGE: 'pretending to have said something',
});
