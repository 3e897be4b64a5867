import { expect, it } from '@jest/globals';
import { CallersClock } from './callers-clock.js';

it('a caller whose clock differs by more than five seconds is told of, until a minute after', () => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const clock = new CallersClock(() => new Date(now));
  const heardAt = (ms: number) => clock.hear(new Date(now + ms).toUTCString());
  heardAt(4_000);
  clock.hear(undefined);
  clock.hear('yesterday');
  expect(clock.warnings()).toEqual([]);
  heardAt(-3_600_000);
  heardAt(0); // another caller, whose clock is right
  expect(clock.warnings()).toEqual([
    { what: 'the clock of a caller is 3600 s behind ours', cure: 'let both follow a time server' },
  ]);
  now += 60_001;
  expect(clock.warnings()).toEqual([]);
});
