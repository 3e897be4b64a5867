import { setTimeout as after } from 'node:timers/promises';
import { asProblem } from '@berth/problem';
import { within } from './deadline.js';
import { KeyedLock } from './keyed-lock.js';
import type { Change, ContainerRecord } from './record.js';
import type { Records } from './records.js';

/** No state in transit lasts longer than this. */
export const deadlines = {
  creating: 60_000,
  starting: 60_000,
  stopping: 60_000,
  restoring: 900_000,
  destroying: 300_000,
} as const;
/** A copy of all that a container holds, on a slow disk; the copy itself gives up earlier. */
const copyMs = 900_000;
/** Nor does what its caller waits for. */
const momentMs = 15_000;
/** What has to be written is tried again so soon. */
const againMs = 1_000;

type Transit = keyof typeof deadlines;
/** `isLate` tells it that its deadline has passed: nobody waits for what it does. */
export type Work = (isLate: () => boolean) => Promise<Change | undefined>;

type Needs = Readonly<{
  records: Pick<Records, 'get'>;
  change: (record: ContainerRecord, change: Change) => void;
  tell: (message: string, error?: unknown) => void;
}>;

/** What is at work on containers: one thing at a time for each, none without an end. */
export class Settling {
  private readonly locks = new KeyedLock();
  private readonly tracked = new Set<Promise<void>>();
  /** Copies at work, by container. */
  private readonly copies = new Map<string, Promise<void>>();
  private readonly closing = new AbortController();

  constructor(private readonly needs: Needs) {}

  /**
   * Does the work of a state in transit, after whatever was begun earlier on this container; then sets what it answers,
   * unless somebody has asked for another state meanwhile. The deadline counts from the asking, or from the end of a copy
   * that is under way; what is late keeps the lock until it has really ended. Never rejects: a failure is a state, with its reason.
   */
  settle({ id, state }: ContainerRecord, work: Work, timeoutMs: number = deadlines[state as Transit]): Promise<void> {
    let late = false;
    const done = this.locks.run(id, () => work(() => late));
    done.catch(() => undefined); // it may fail while a copy is waited for: whoever waits hears of it then
    const waited = this.copied(id).then(() => within(timeoutMs, `finish ${state} ${id}`, done));
    const ended = waited.catch((error: unknown): Change => {
      late = true;
      return this.failed(id, error);
    });
    const recorded = ended.then((change) =>
      this.insist(`cannot put on record how ${state} ${id} ended`, () => {
        const now = this.needs.records.get(id);
        if (now && change && now.state === state) this.needs.change(now, change);
      }),
    );
    return this.track(recorded, `cannot put on record how ${state} ${id} ended`);
  }

  /** What is over within moments, and what its caller waits for. @throws Problem `unavailable` where it is not. */
  moment(doing: string, id: string, work: () => Promise<void>): Promise<void> {
    let late = false;
    const done = this.locks.run(id, async () => {
      if (!late) await work();
    });
    return within(momentMs, doing, done).catch((error: unknown) => {
      late = true;
      throw error;
    });
  }

  /**
   * What reads or writes all that a container holds, and is no state of it: after whatever was begun earlier. It answers
   * what is then put on record, again and again until it is. Never rejects: a failure is put on record, with its reason.
   */
  copy(
    doing: string,
    id: string,
    work: () => Promise<() => void>,
    failed: (reason: string) => void,
    after: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const done = within(copyMs, doing, this.locks.run(id, work)).catch((error: unknown) => {
      const problem = asProblem(error);
      if (problem.code === 'internal') this.needs.tell(`cannot ${doing}`, error);
      return () => failed(problem.message);
    });
    const recorded = done.then((record) => this.insist(`cannot put on record how to ${doing} ended`, record));
    return this.copying(id, this.track(recorded.then(after), `cannot ${doing}`));
  }

  /** As `copy`, for what another container's state tells of. Rejects where `work` does. */
  during<T>(id: string, work: () => Promise<T>): Promise<T> {
    return this.copying(id, this.locks.run(id, work));
  }

  private copying<T>(id: string, work: Promise<T>): Promise<T> {
    const ended = work.then(
      () => undefined,
      () => undefined, // whoever asked for the work hears of it; who waits for its end need not
    );
    this.copies.set(id, ended);
    void ended.then(() => this.copies.get(id) === ended && this.copies.delete(id));
    return work;
  }

  private async copied(id: string): Promise<void> {
    await this.copies.get(id);
  }

  /** Remembered until it has ended; a failure is told of, and nobody else hears of it. */
  track(work: Promise<void>, failure: string): Promise<void> {
    const tracked: Promise<void> = work
      .catch((error: unknown) => this.needs.tell(failure, error))
      .finally(() => this.tracked.delete(tracked));
    this.tracked.add(tracked);
    return tracked;
  }

  /**
   * Writes again and again until it is written: a state that could not be left, on a full disk for instance, would have
   * no exit before the next start of con, which finds out by itself.
   */
  private async insist(failure: string, write: () => void): Promise<void> {
    for (let isTold = false; !this.closing.signal.aborted; isTold = true) {
      try {
        return write();
      } catch (error) {
        if (!isTold) this.needs.tell(`${failure}; trying again`, error);
        await after(againMs, undefined, { signal: this.closing.signal }).catch(() => undefined); // closing ends the wait
      }
    }
  }

  /** Waits for what is at work, and insists on nothing any more. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.idle();
  }

  /** Waits for what is at work. */
  async idle(): Promise<void> {
    while (this.tracked.size > 0) await Promise.allSettled(this.tracked);
    await this.locks.idle();
  }

  private failed(id: string, error: unknown): Change {
    const problem = asProblem(error);
    if (problem.code === 'internal') this.needs.tell(`container ${id} failed`, error);
    return { state: 'failed', reason: problem.message, again: null };
  }
}
