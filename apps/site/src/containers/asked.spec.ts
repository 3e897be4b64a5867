import { describe, expect, it } from '@jest/globals';
import { Asked } from './asked.js';

describe('What was asked for', () => {
  it('stays open until the host says so', () => {
    const asked = new Asked();
    asked.begin('a', 'start');
    expect(asked.of('a', 'stopped')).toBe('start');
    expect(asked.of('a', undefined)).toBe('start');
    expect(asked.of('a', 'running')).toBeUndefined();
    expect(asked.of('a', 'stopped')).toBeUndefined();
  });

  it('stays open no longer than its deadline', () => {
    let now = 0;
    const asked = new Asked(() => now);
    asked.begin('a', 'stop');
    now = 14_999;
    expect(asked.of('a', 'running')).toBe('stop');
    now = 15_000;
    expect(asked.of('a', 'running')).toBeUndefined();
  });
});
