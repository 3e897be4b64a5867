import { describe, expect, it } from '@jest/globals';
import { fragmentationIn, pressureIn } from './health.js';

describe('what the kernel says of its health', () => {
  it('is read from the last minute of its pressure, in thousandths', () => {
    const text =
      'some avg10=25.46 avg60=13.99 avg300=15.04 total=6139117189\nfull avg10=0.75 avg60=1.51 avg300=2.64 total=1\n';
    expect(pressureIn(text)).toEqual({ some: 140, full: 15 });
    expect(pressureIn('some avg10=0.00 avg60=99.99 avg300=0.00 total=0\n')).toEqual({ some: 1_000, full: 0 });
    expect(pressureIn('')).toBeUndefined();
  });

  it('counts the free memory in pieces below eight pages, over all zones', () => {
    const text =
      'Node 0, zone      DMA      0      0      0      0      0      0      0      0      1      1      3 \n' +
      'Node 0, zone   Normal   1000   500      0    250      0      0      0      0      0      0      0 \n';
    // 256 + 512 + 3 × 1,024 pages in large pieces and 2,000 too; 1,000 + 1,000 in small ones
    expect(fragmentationIn(text)).toBe(Math.round((1_000 * 2_000) / (3_840 + 4_000)));
    expect(fragmentationIn('')).toBeUndefined();
  });
});
