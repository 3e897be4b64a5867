import { isIP } from 'node:net';
import { Problem } from '@berth/problem';
import { number6, text6 } from '../host/version6.js';

/** As many as one forward may name. */
const mostRanges = 64;

type Range = Readonly<{ family: 4 | 6; first: bigint; bits: number }>;

/**
 * Networks in CIDR notation (RFC 4632, RFC 4291 §2.3) in their one canonical form: bits beyond the prefix cleared, those
 * that lie in another left out.
 *
 * @throws Problem `invalid`, naming the first that is none.
 */
export function mustBeRanges(given: readonly string[]): readonly string[] {
  if (given.length === 0)
    throw new Problem('invalid', 'cannot admit nobody: name a network such as 198.51.100.0/24, or leave sources out');
  if (given.length > mostRanges)
    throw new Problem('invalid', `cannot admit ${given.length} networks: name at most ${mostRanges}, wider ones`);
  const ranges = given.map(rangeOf);
  const widest = ranges.filter(
    (one, at) => !ranges.some((other, place) => at !== place && covers(other, one, at, place)),
  );
  return widest.map(textOf).sort();
}

/** One that is there twice is covered by the first of the two. */
function covers(wide: Range, narrow: Range, narrowAt: number, wideAt: number): boolean {
  if (wide.family !== narrow.family || wide.bits > narrow.bits) return false;
  if (cleared(narrow.first, narrow.family, wide.bits) !== wide.first) return false;
  return wide.bits < narrow.bits || wideAt < narrowAt;
}

function rangeOf(text: string): Range {
  const [, address = '', prefix] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address) as 0 | 4 | 6;
  const bits = Number(prefix ?? widthOf(family === 6 ? 6 : 4));
  if (family === 0 || bits > widthOf(family) || (family === 6 && address.includes('.'))) {
    const shown = JSON.stringify(text.slice(0, 60));
    throw new Problem(
      'invalid',
      `cannot admit ${shown}: it must be a network such as 198.51.100.0/24 or 2001:db8::/32`,
    );
  }
  const number = family === 4 ? numberOf4(address) : number6(address);
  return { family, bits, first: cleared(number, family, bits) };
}

const widthOf = (family: 4 | 6): number => (family === 4 ? 32 : 128);

function cleared(number: bigint, family: 4 | 6, bits: number): bigint {
  const rest = BigInt(widthOf(family) - bits);
  return (number >> rest) << rest;
}

const numberOf4 = (address: string): bigint =>
  address.split('.').reduce((number, octet) => (number << 8n) + BigInt(octet), 0n);

function textOf({ family, first, bits }: Range): string {
  const address = family === 4 ? text4(first) : text6(first);
  return bits === widthOf(family) ? address : `${address}/${bits}`;
}

const text4 = (number: bigint): string => [24n, 16n, 8n, 0n].map((shift) => (number >> shift) & 255n).join('.');
