import type { Healthcheck } from '@berth/confile';
import type { ContainerRecord } from '../containers/record.js';

/** Whether the app of a container that runs answers; `starting` until it did once, or failed too often. */
export type Answering = 'starting' | 'answering' | 'failing';

export type HealthNeeds = Readonly<{
  records: { all(): Iterable<ContainerRecord> };
  /** What the Confile below a container says; absent where it says nothing. */
  checkOf: (snapshot: string) => Healthcheck | undefined;
  /** Asks once, within the check's time; false and thrown are failures alike. */
  ask: (container: ContainerRecord, check: Healthcheck) => Promise<boolean>;
  monotonicMs: () => number;
}>;

/** Until it has answered once a container is asked so often: a page that waits for it should not wait for us. */
const eagerMs = 1_000;
/** Asked at a time: a host with a thousand containers starts no thousand commands at once. */
const most = 16;

type Told = {
  readonly boot: number;
  readonly sinceMs: number;
  answering: Answering;
  failures: number;
  nextMs: number;
  isAsked: boolean;
};

/** Asks containers whose Confile has a HEALTHCHECK, each at its own pace, and remembers what came of it. */
export class Health {
  private readonly told = new Map<string, Told>();
  private asking = 0;

  constructor(private readonly needs: HealthNeeds) {}

  of(id: string): Answering | undefined {
    return this.told.get(id)?.answering;
  }

  /** Begins what is due and waits for none of it. */
  tick(): void {
    const nowMs = this.needs.monotonicMs();
    const running = new Set<string>();
    const checks = new Map<string, Healthcheck | undefined>(); // hundreds may stand on one snapshot
    const checkOf = (snapshot: string): Healthcheck | undefined => {
      if (!checks.has(snapshot)) checks.set(snapshot, this.needs.checkOf(snapshot));
      return checks.get(snapshot);
    };
    for (const container of this.needs.records.all()) {
      if (container.state !== 'running') continue;
      const check = checkOf(container.snapshot);
      if (!check) continue;
      running.add(container.id);
      const told = this.begun(container, nowMs);
      if (!told.isAsked && told.nextMs <= nowMs && this.asking < most) void this.ask(container, check, told);
    }
    for (const id of this.told.keys()) if (!running.has(id)) this.told.delete(id);
  }

  /** Each life begins anew. */
  private begun({ id, boot }: ContainerRecord, nowMs: number): Told {
    const known = this.told.get(id);
    if (known?.boot === boot) return known;
    const told: Told = { boot, sinceMs: nowMs, answering: 'starting', failures: 0, nextMs: nowMs, isAsked: false };
    this.told.set(id, told);
    return told;
  }

  private async ask(container: ContainerRecord, check: Healthcheck, told: Told): Promise<void> {
    told.isAsked = true;
    this.asking += 1;
    const answers = await this.needs.ask(container, check).catch(() => false); // why it failed is the app's own matter
    this.asking -= 1;
    told.isAsked = false;
    const nowMs = this.needs.monotonicMs();
    if (answers) {
      told.answering = 'answering';
      told.failures = 0;
    } else if (told.answering === 'answering' || nowMs - told.sinceMs >= check.startMs) {
      told.failures += 1;
      if (told.failures >= check.retries) told.answering = 'failing';
    }
    told.nextMs = nowMs + (told.answering === 'starting' ? Math.min(eagerMs, check.intervalMs) : check.intervalMs);
  }
}
