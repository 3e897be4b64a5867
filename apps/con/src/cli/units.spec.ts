import { describe, expect, it } from '@jest/globals';
import { readBytes, readCores, readTemplateKey, readWhole, shownBytes, shownTime } from './units.js';

describe('units', () => {
  it.each([
    ['512MiB', 536_870_912n],
    ['512M', 536_870_912n],
    ['2g', 2_147_483_648n],
    ['4096', 4_096n],
    ['1 TiB', 1_099_511_627_776n],
  ])('reads the size %s', (text, bytes) => expect(readBytes(text)).toBe(bytes));

  it.each(['', '1.5G', '-1', '1X', 'MiB', '1e9', '1G\u202e'])('refuses the size %j', (text) => {
    expect(() => readBytes(text)).toThrow(/^cannot read/);
  });

  it.each([
    ['2', 2_000],
    ['1.5', 1_500],
    ['0.05', 50],
    ['0.125', 125],
  ])('reads %s cores', (text, millis) => expect(readCores(text)).toBe(millis));

  it.each(['', '.5', '1,5', '1.2345', 'all'])('refuses %j cores', (text) => {
    expect(() => readCores(text)).toThrow(/^cannot read/);
  });

  it('reads a template by name and version', () => {
    expect(readTemplateKey('django:4.2')).toEqual({ name: 'django', version: '4.2' });
    for (const wrong of ['django', 'django:', ':4.2', '']) expect(() => readTemplateKey(wrong)).toThrow(/^cannot read/);
  });

  it('reads whole numbers only', () => {
    expect(readWhole('512', 'a number')).toBe(512);
    for (const wrong of ['', '1.5', '-1', '12abc']) expect(() => readWhole(wrong, 'a number')).toThrow(/^cannot read/);
  });

  it('shows sizes and times with a unit', () => {
    expect([0n, 999n, 1_000n, 1_536n, 268_435_456n, 5n * 1024n ** 4n].map(shownBytes)).toEqual([
      '0 B',
      '999 B',
      '1.0 KiB',
      '1.5 KiB',
      '256 MiB',
      '5.0 TiB',
    ]);
    expect([0, 999, 1_000, 61_234].map(shownTime)).toEqual(['0 ms', '999 ms', '1.0 s', '61.2 s']);
  });
});
