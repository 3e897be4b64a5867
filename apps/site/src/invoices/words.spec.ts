import { expect, it } from '@jest/globals';
import { Words } from './words.js';

it('in the night when clocks are set back, a time says which of the two hours it is', () => {
  const words = new Words('de', 'EUR', 'Europe/Berlin');
  expect(words.moment('2026-10-25T00:30:00Z')).toBe('25.10.2026, 02:30:00 MESZ');
  expect(words.moment('2026-10-25T01:30:00Z')).toBe('25.10.2026, 02:30:00 MEZ');
  expect(words.moment('2026-10-25T02:30:00Z')).toBe('25.10.2026, 03:30:00');
  expect(new Words('en', 'EUR', 'Europe/Berlin').moment('2026-10-25T01:30:00Z')).toMatch(/02:30:00 (CET|GMT\+1)$/);
});
