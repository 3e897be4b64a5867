import { describe, expect, it } from '@jest/globals';
import { Throttle } from './throttle.js';

describe('A throttle', () => {
  it('allows so many tries in a window, each key for itself, and forgives afterwards', () => {
    let now = 0;
    const throttle = new Throttle(2, 1_000, () => now);
    for (const key of ['a', 'a', 'b']) throttle.add(key);
    expect(() => throttle.mustAllow('a')).toThrow('cannot try again so soon: wait 1 seconds');
    expect(() => throttle.mustAllow('b')).not.toThrow();
    now = 1_000;
    expect(() => throttle.mustAllow('a')).not.toThrow();
  });

  it('holds no more keys than it has room for, whoever sends new ones', () => {
    const throttle = new Throttle(1, 1_000, () => 0, 3);
    for (const key of ['a', 'b', 'c', 'd']) throttle.add(key);
    expect(() => throttle.mustAllow('a')).not.toThrow(); // the oldest went
    expect(() => throttle.mustAllow('d')).toThrow();
  });
});
