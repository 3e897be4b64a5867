import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Healthcheck } from '@berth/confile';
import type { ContainerRecord } from '../containers/record.js';
import { Health } from './health.js';

const check: Healthcheck = { kind: 'http', path: '/', intervalMs: 10_000, timeoutMs: 100, retries: 2, startMs: 5_000 };

describe('whether an app answers', () => {
  let nowMs: number;
  let containers: ContainerRecord[];
  let answers: (() => void)[];
  let asked: string[];
  let health: Health;

  beforeEach(() => {
    nowMs = 0;
    answers = [];
    asked = [];
    containers = [container('a')];
    health = new Health({
      records: { all: () => containers },
      checkOf: (snapshot) => (snapshot === 's1' ? check : undefined),
      ask: ({ id }) =>
        new Promise((resolve) => {
          asked.push(id);
          answers.push(() => resolve(isWell));
        }),
      monotonicMs: () => nowMs,
    });
    isWell = true;
  });
  let isWell = true;

  const container = (id: string, more: Partial<ContainerRecord> = {}): ContainerRecord =>
    ({ id, state: 'running', boot: 1, snapshot: 's1', ...more }) as ContainerRecord;

  /** All that was asked is answered, and time passes. */
  async function after(ms: number): Promise<void> {
    nowMs += ms;
    health.tick();
    answers.splice(0).forEach((answer) => answer());
    await new Promise((resolve) => setImmediate(resolve));
  }

  it('is starting until it answers, is asked at its pace then, and fails after so many failures in a row', async () => {
    isWell = false;
    await after(0);
    await after(1_000);
    await after(1_000);
    expect([health.of('a'), asked.length]).toEqual(['starting', 3]); // while it starts failures do not count
    isWell = true;
    await after(1_000);
    expect(health.of('a')).toBe('answering');
    await after(9_000);
    expect(asked).toHaveLength(4);
    isWell = false;
    await after(1_000);
    expect(health.of('a')).toBe('answering');
    await after(10_000);
    expect(health.of('a')).toBe('failing');
    isWell = true;
    await after(10_000);
    expect(health.of('a')).toBe('answering');
  });

  it('fails when it never answered and its time to start is over', async () => {
    isWell = false;
    for (let n = 0; n < 7; n += 1) await after(1_000);
    expect(health.of('a')).toBe('failing');
  });

  it('begins anew with each life, and is not told of what is off, frozen or has no check', async () => {
    await after(0);
    containers = [container('a', { boot: 2 }), container('b', { state: 'frozen' }), container('c', { snapshot: 's2' })];
    health.tick();
    expect([health.of('a'), health.of('b'), health.of('c')]).toEqual(['starting', undefined, undefined]);
    containers = [container('a', { state: 'stopped' })];
    health.tick();
    expect(health.of('a')).toBeUndefined();
  });

  it('asks few at a time, however many there are, and nobody twice at once', () => {
    containers = Array.from({ length: 1_000 }, (_, at) => container(`c${at}`));
    health.tick();
    health.tick();
    expect(asked).toHaveLength(16);
    expect(new Set(asked).size).toBe(16);
  });
});
