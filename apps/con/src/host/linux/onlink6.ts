import { networkInterfaces } from 'node:os';
import { number6, text6 } from '../version6.js';

type Range = Readonly<{ first: bigint; bits: number }>;

/** The IPv6 networks that this host is in itself, as nft prints them; none that lies in another. */
export function onlink6(interfaces = networkInterfaces()): string[] {
  const own = Object.values(interfaces).flatMap((list) => list ?? []);
  const ranges = own.flatMap(({ family, cidr, internal }): Range[] => {
    const [, address = '', width = ''] = /^([0-9a-f:]+)\/(\d+)$/i.exec(cidr ?? '') ?? [];
    if (family !== 'IPv6' || internal || address === '' || /^fe[89ab]/i.test(address)) return [];
    return [{ first: cleared(number6(address), Number(width)), bits: Number(width) }];
  });
  const widest = ranges.filter((one) => !ranges.some((other) => other.bits < one.bits && holds(other, one)));
  return [...new Set(widest.map(({ first, bits }) => (bits === 128 ? text6(first) : `${text6(first)}/${bits}`)))];
}

const holds = (wide: Range, narrow: Range): boolean => cleared(narrow.first, wide.bits) === wide.first;

function cleared(number: bigint, bits: number): bigint {
  const rest = BigInt(128 - bits);
  return (number >> rest) << rest;
}
