import { describe, expect, it } from '@jest/globals';
import { mustBeRanges } from './ranges.js';

describe('networks that a forward admits', () => {
  it('are written in one way: beyond the prefix nothing, a host without prefix', () => {
    expect(mustBeRanges(['198.51.100.77/24'])).toEqual(['198.51.100.0/24']);
    expect(mustBeRanges(['192.0.2.1/32', '2001:DB8:0:0::1/128'])).toEqual(['192.0.2.1', '2001:db8::1']);
    expect(mustBeRanges(['2001:db8:1:2:3::/48', '0.0.0.0/0', '::/0'])).toEqual(['0.0.0.0/0', '::/0']);
  });

  it('are left out where another holds them, and named once', () => {
    expect(mustBeRanges(['10.1.0.0/16', '10.0.0.0/8', '10.0.0.0/8', '192.0.2.1'])).toEqual(['10.0.0.0/8', '192.0.2.1']);
  });

  it.each([
    ['10.0.0'],
    ['10.0.0.0/33'],
    ['::/129'],
    ['::ffff:1.2.3.4'],
    ['a b'],
    [''],
    ['10.0.0.0/8 accept'],
    ['fe80::1%eth0'],
  ])('are refused where they are none: %j', (text) => {
    expect(() => mustBeRanges([text])).toThrow(/^cannot admit /);
  });

  it('are refused where there are none, or too many', () => {
    expect(() => mustBeRanges([])).toThrow('cannot admit nobody');
    expect(() => mustBeRanges(Array<string>(65).fill('10.0.0.0/8'))).toThrow('at most 64');
  });
});
