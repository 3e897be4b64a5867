import type { Builder } from './builder.js';
import { idOf, type Key } from './key.js';
import type { Logs } from './log.js';
import type { Progress } from './progress.js';
import type { SnapshotRecords, SnapshotRow } from './records.js';

/** What a template keeps from being removed: where it ends, what its lines made, what they printed. */
export type Held = Readonly<{ snapshots: readonly number[]; logs: readonly string[] }>;

type SweepNeeds = Readonly<{
  snapshots: SnapshotRecords;
  progress: Progress;
  logs: Logs;
  builder: Builder;
  containersOn: (snapshot: string) => number;
}>;

/** Removes what was let go and nothing stands on any more. Never because a record is absent: only what a record says. */
export class Sweep {
  constructor(private readonly needs: SweepNeeds) {}

  held(key: Key): Held {
    const lines = this.needs.progress.lines(key);
    const snapshots = [this.needs.progress.get(key)?.snapshot, ...lines.map(({ snapshot }) => snapshot)];
    return {
      snapshots: snapshots.filter((id) => id !== undefined),
      logs: lines.map((line) => line.key).filter((log) => log !== undefined),
    };
  }

  async letGo({ snapshots: candidates, logs }: Held): Promise<void> {
    const { snapshots, progress, containersOn } = this.needs;
    const gone = snapshots.prune(candidates, (id) => containersOn(idOf(id)));
    for (const key of new Set([...logs, ...gone])) {
      if (!progress.shows(key) && !snapshots.byKey(key)) this.needs.logs.remove(key);
    }
    await this.discard(snapshots.layersIn('removing'));
  }

  /** Removes what only builds held that failed before then, and what containers held that are gone; answers what that is. */
  async prune(before: Date, { dryRun }: { dryRun: boolean }): Promise<readonly SnapshotRow[]> {
    const { snapshots, progress, containersOn } = this.needs;
    const freed = snapshots.without(() =>
      snapshots.prune(progress.forgetFailed(before), (id) => containersOn(idOf(id))),
    );
    if (!dryRun) await this.letGo({ snapshots: progress.forgetFailed(before), logs: [] });
    return freed;
  }

  /**
   * At start only, when nothing is being built: a layer that is open then is one whose line died with the daemon, and a
   * snapshot that no template, line or container holds is what that daemon had still to let go; so are their logs.
   */
  async recover(): Promise<void> {
    await this.letGo({ snapshots: this.needs.snapshots.list().map(({ id }) => id), logs: this.needs.logs.keys() });
    await this.discard(this.needs.snapshots.layersIn('open'));
  }

  private async discard(layers: readonly number[]): Promise<void> {
    for (const layer of layers) await this.needs.builder.discard(layer);
  }
}
