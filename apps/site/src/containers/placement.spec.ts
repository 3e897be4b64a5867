import { describe, expect, it } from '@jest/globals';
import { place, type Candidate } from './placement.js';

const host = (name: string, change: Partial<Candidate> = {}): Candidate => ({
  name,
  hasTemplate: true,
  containers: 0,
  memoryFreeBytes: 1n,
  ...change,
});

describe('placement', () => {
  it('never chooses a host that does not have the template', () => {
    expect(place([host('a', { hasTemplate: false }), host('b', { containers: 9 })])).toBe('b');
    expect(place([host('a', { hasTemplate: false })])).toBeUndefined();
    expect(place([])).toBeUndefined();
  });

  it('chooses the host with the fewest containers', () => {
    expect(place([host('a', { containers: 2 }), host('b', { containers: 1 })])).toBe('b');
  });

  it('chooses the host with the most free memory among equals, and then by name', () => {
    expect(place([host('a'), host('b', { memoryFreeBytes: 2n ** 60n })])).toBe('b');
    expect(place([host('b'), host('a')])).toBe('a');
  });
});
