import type { DataSource, QueryRunner } from 'typeorm';

/**
 * Of all site processes, one runs a job at a time. The locks of a process hang on one connection of its own: they end
 * with it, so a killed process blocks nobody.
 */
export class JobLocks {
  private holder: QueryRunner | undefined;

  constructor(private readonly db: DataSource) {}

  /** Runs the work unless another process is at it; answers whether it ran. */
  async alone(name: string, work: () => Promise<unknown>): Promise<boolean> {
    const holder = this.connection();
    if (!(await this.ask(holder, 'pg_try_advisory_lock', name))) return false;
    try {
      await work();
    } finally {
      await this.ask(holder, 'pg_advisory_unlock', name);
    }
    return true;
  }

  async release(): Promise<void> {
    const { holder } = this;
    this.holder = undefined;
    await holder?.release();
  }

  private connection(): QueryRunner {
    if (this.holder?.isReleased !== false) this.holder = this.db.createQueryRunner();
    return this.holder;
  }

  private async ask(
    holder: QueryRunner,
    act: 'pg_try_advisory_lock' | 'pg_advisory_unlock',
    name: string,
  ): Promise<boolean> {
    try {
      const [row]: { ok: boolean }[] = await holder.query(`select ${act}(hashtext('job'), hashtext($1)) as ok`, [name]);
      return row?.ok === true;
    } catch (error) {
      if (this.holder === holder) await this.release(); // the connection broke, and its locks with it
      throw error;
    }
  }
}
