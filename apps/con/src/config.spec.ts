import { describe, expect, it } from '@jest/globals';
import { readConfig } from './config.js';

describe('the configuration', () => {
  it('takes an empty variable for one that is not set: nobody empties the trash by a slip', () => {
    expect(readConfig({}, { CON_TRASH_SECONDS: '' }).trashSeconds).toBe(7 * 86_400);
  });

  it.each([
    ['CON_TRASH_SECONDS', 'null'],
    ['CON_TRASH_SECONDS', ' '],
    ['CON_TRASH_SECONDS', '1e3'],
    ['CON_FIRST_ID', '1000001'],
    ['CON_FIRST_ID', '4294901760'],
    ['CON_ADDRESS_POOL', '999.1.0.0/16'],
    ['CON_CLOSED_RANGES', '10.0.0.0/33'],
    ['CON_OPEN_RANGES', 'lan'],
  ])('refuses %s=%s', (variable, value) => {
    expect(() => readConfig({}, { [variable]: value })).toThrow(/^cannot start with this configuration/);
  });

  it('takes networks with commas between, and none', () => {
    expect(readConfig({}, { CON_CLOSED_RANGES: '10.0.0.0/8, 192.168.1.7' }).closedRanges).toEqual([
      '10.0.0.0/8',
      '192.168.1.7',
    ]);
  });
});
