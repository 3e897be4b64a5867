import { Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import type { Slot } from '../runtime.js';

type Named = Pick<Config, 'name' | 'addressPool'>;

/** The most that fits a third and fourth byte of the pool, its last /24 being kept for lines. */
const lastSlot = 65_279;

/** Interfaces and addresses of lines: `<name>b<n>` has X.Y.255.n, n from 1 to this. */
export const lineNetworks = 254;

/** Slots reach paths and interface names, so that a wrong one must never get that far. */
export function mustBeSlot(slot: Slot): Slot {
  if (Number.isInteger(slot) && slot > 0 && slot <= lastSlot) return slot;
  throw new Problem('invalid', `cannot use slot ${slot}: it must be a whole number from 1 to ${lastSlot}`);
}

/** The host's end of a container's veth; at most 13 of the kernel's 15 letters. */
export function vethOf(config: Named, slot: Slot): string {
  return `${config.name}v${mustBeSlot(slot)}`;
}

/** The host's end of the veth of a line with network number n. */
export function lineVeth(config: Named, n: number): string {
  return `${config.name}b${mustBeLineNetwork(n)}`;
}

/** The address of a line with network number n, out of the pool's last /24. */
export function lineAddress(config: Named, n: number): string {
  return `${config.addressPool.replace(/\.0\.0\/16$/, '')}.255.${mustBeLineNetwork(n)}`;
}

/** What a container believes to be its router: the same for all, answered by the host's end of each veth. */
export const gateway = '169.254.0.1';

/** What a container asks for names; answered by the host's own name servers, whichever they are. */
export const resolverAddresses = ['169.254.0.1', '169.254.0.2'] as const;

/**
 * The same by IPv6: every router answers to the first address of its link's network (RFC 4291 §2.6.1), so the host does on
 * each veth by itself. LXC's neighbour proxy may be gone: the kernel drops those of a veth when it hears late that the
 * other end had been down for a moment while it was moved.
 */
export const gateway6 = 'fe80::';

function mustBeLineNetwork(n: number): number {
  if (Number.isInteger(n) && n > 0 && n <= lineNetworks) return n;
  throw new Problem('invalid', `cannot use line network ${n}: it must be a whole number from 1 to ${lineNetworks}`);
}
