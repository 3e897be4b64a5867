import type { State } from '@berth/container';

export type Ask = 'start' | 'stop' | 'restart' | 'kill' | 'freeze' | 'thaw' | 'trash' | 'restore';

/** The states by which a host confirms what was asked of it. */
const confirmed: Readonly<Record<Ask, readonly State[]>> = {
  start: ['starting', 'running', 'failed'],
  stop: ['stopping', 'stopped', 'failed'],
  restart: ['stopping', 'starting', 'running', 'failed'],
  kill: ['stopping', 'stopped', 'failed'],
  freeze: ['frozen', 'stopped', 'failed'],
  thaw: ['running', 'stopped', 'failed'],
  trash: ['trashed', 'destroying'],
  restore: ['stopped', 'failed'],
};

const deadlineMs = 15_000;

/** What was asked for and is not yet confirmed: in memory alone, and never longer than a deadline. */
export class Asked {
  private readonly asks = new Map<string, { ask: Ask; until: number }>();

  constructor(private readonly now: () => number = Date.now) {}

  begin(id: string, ask: Ask): void {
    this.asks.set(id, { ask, until: this.now() + deadlineMs });
  }

  end(id: string): void {
    this.asks.delete(id);
  }

  /** What is still open, given what the host says now. */
  of(id: string, state: State | undefined): Ask | undefined {
    const open = this.asks.get(id);
    if (!open) return undefined;
    if (open.until > this.now() && (state === undefined || !confirmed[open.ask].includes(state))) return open.ask;
    this.asks.delete(id);
    return undefined;
  }
}
