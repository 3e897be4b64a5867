import type { Request } from 'express';

/**
 * Who tries, for counting: an IPv4 address, or the first 64 bits of an IPv6 one, because a single visitor is given all
 * the addresses of such a network (RFC 6177).
 */
export function visitorOf({ ip = '' }: Pick<Request, 'ip'>): string {
  const address = ip.replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  return address.includes(':') ? `${groupsOf(address).slice(0, 4).join(':')}::/64` : address;
}

/** The eight groups of an IPv6 address, `::` filled in (RFC 4291 §2.2). */
function groupsOf(address: string): string[] {
  const [before = '', after] = address.toLowerCase().split('::');
  const split = (part: string | undefined): string[] => (part ? part.split(':') : []);
  const [head, tail] = [split(before), split(after)];
  const zeros = after === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  return [...head, ...Array<string>(zeros).fill('0'), ...tail].map((group) => group.replace(/^0+(?=.)/, ''));
}
