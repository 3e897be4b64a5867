import { describe, expect, it } from '@jest/globals';
import { Watched } from './watched.js';

const pace = (now: () => number) => ({ everyMs: 1_000, timeoutMs: 60_000, now });

describe('Something watched', () => {
  it('is asked once by all who want to know at the same time, and at most once in its period', async () => {
    let [now, asked] = [0, 0];
    const watched = new Watched(
      async () => (asked += 1),
      pace(() => now),
    );
    await Promise.all([watched.refresh(), watched.refresh(), watched.refresh()]);
    now = 999;
    await watched.refresh();
    expect([asked, watched.value, watched.answeredAt]).toEqual([1, 1, 0]);
    now = 1_000;
    await watched.refresh();
    expect([asked, watched.value, watched.answeredAt]).toEqual([2, 2, 1_000]);
  });

  it('keeps its last answer through silence, and tells since when it is silent', async () => {
    let now = 0;
    let ask = async (): Promise<string> => 'well';
    const watched = new Watched(
      () => ask(),
      pace(() => now),
    );
    await watched.refresh();
    ask = async () => Promise.reject(new Error('gone'));
    for (now = 1_000; now <= 3_000; now += 1_000) await watched.refresh();
    expect(watched.value).toBe('well');
    expect(watched.failure).toEqual({ reason: 'gone', since: 1_000 });
    ask = async () => 'back';
    now = 9_000;
    await watched.refresh();
    expect([watched.value, watched.failure]).toEqual(['back', undefined]);
  });

  it('waits no longer than its bound for a client that forgets its signal', async () => {
    const watched = new Watched(() => new Promise<never>(() => undefined), { everyMs: 1, timeoutMs: 1 });
    await watched.refresh();
    expect(watched.failure?.reason).toBe('no answer within 1 ms');
  });
});
