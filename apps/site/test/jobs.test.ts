import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { pino, type Logger } from 'pino';
import type { DataSource } from 'typeorm';
import { dataSource } from '../src/db/source.js';
import type { Job } from '../src/jobs/job.js';
import { Jobs } from '../src/jobs/jobs.js';
import { openBooks, type Books } from './books.js';

let books: Books;
let other: DataSource;
const started: Jobs[] = [];
const silent = pino({ level: 'silent' });

beforeAll(async () => {
  books = await openBooks();
  other = await dataSource(books.database.url).initialize();
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((jobs) => jobs.onModuleDestroy()));
});
afterAll(async () => {
  await other.destroy();
  await books.close();
});

function start(db: DataSource, job: Job, log: Logger = silent): Jobs {
  const jobs = new Jobs(db, [job], log);
  started.push(jobs);
  jobs.onApplicationBootstrap();
  return jobs;
}

/** Resolves once `count` runs have begun. */
function counter(count: number): { reached: Promise<void>; begin: () => number } {
  let runs = 0;
  let done: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (done = resolve));
  return { reached, begin: () => ((runs += 1) >= count && done(), runs) };
}

describe('a job', () => {
  it('runs again and again, and in one process at a time', async () => {
    const { reached, begin } = counter(20);
    let atOnce = 0;
    let most = 0;
    const run = async () => {
      begin();
      atOnce += 1;
      most = Math.max(most, atOnce);
      await books.db.query('select pg_sleep(0.001)');
      atOnce -= 1;
    };
    start(books.db, { name: 'shared', everyMs: 0, run });
    start(other, { name: 'shared', everyMs: 0, run });
    await reached;
    expect(most).toBe(1);
  });

  it('that fails is logged when it begins to fail and when it works again, and runs on', async () => {
    const { reached, begin } = counter(8);
    const error = jest.spyOn(silent, 'error');
    const info = jest.spyOn(silent, 'info');
    start(books.db, {
      name: 'frail',
      everyMs: 0,
      run: async () => {
        if (begin() <= 5) throw new Error('the host is silent');
      },
    });
    await reached;
    expect(error).toHaveBeenCalledTimes(1);
    expect(info).toHaveBeenCalledTimes(1);
  });

  it('is waited for when site stops, and does not begin again', async () => {
    const { reached, begin } = counter(1);
    let finish: () => void = () => undefined;
    let finished = false;
    const jobs = start(books.db, {
      name: 'slow',
      everyMs: 0,
      run: async () => {
        begin();
        await new Promise<void>((resolve) => (finish = resolve));
        finished = true;
      },
    });
    await reached;
    const stopped = jobs.onModuleDestroy();
    finish();
    await stopped;
    expect(finished).toBe(true);
  });

  it('goes on after the connection of its locks was cut', async () => {
    const before = counter(1);
    const after = counter(1);
    let isCut = false;
    start(books.db, { name: 'cut', everyMs: 0, run: async () => void (isCut ? after.begin() : before.begin()) });
    await before.reached;
    await other.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and usename = current_user and pid <> pg_backend_pid()`,
    );
    isCut = true;
    await after.reached;
  });
});
