import { setTimeout as wait } from 'node:timers/promises';
import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Job } from './job.js';
import { JobLocks } from './locks.js';

/** Runs the table of jobs from the start of site to its stop. The only timers in site are here. */
export class Jobs implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly stopping = new AbortController();
  private readonly locks: JobLocks;
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    db: DataSource,
    private readonly table: readonly Job[],
    private readonly log: Logger,
  ) {
    this.locks = new JobLocks(db);
  }

  onApplicationBootstrap(): void {
    this.running = Promise.all(this.table.map((job) => this.repeat(job)));
  }

  /** Waits for what runs: a transaction that has begun ends, one that has not does not begin. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.locks.release();
  }

  private async repeat(job: Job): Promise<void> {
    const { signal } = this.stopping;
    let trouble: string | undefined;
    while (!signal.aborted) {
      trouble = await this.once(job, signal, trouble);
      await pause(job.everyMs, signal);
    }
  }

  /** Logs a failure when it begins and when it ends, and not every second in between. */
  private async once(job: Job, signal: AbortSignal, before: string | undefined): Promise<string | undefined> {
    try {
      await this.locks.alone(job.name, () => job.run(signal));
      if (before !== undefined) this.log.info({ job: job.name }, 'a job works again');
      return undefined;
    } catch (error) {
      const trouble = error instanceof Error ? error.message : String(error);
      if (trouble !== before && !signal.aborted)
        this.log.error({ job: job.name, err: error }, 'a job failed and is tried again');
      return trouble;
    }
  }
}

/** Ends early, and without an error, when site stops. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { signal, ref: false });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
