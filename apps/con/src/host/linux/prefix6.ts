import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Config } from '../../config.js';
import type { Slot } from '../runtime.js';
import { number6, text6 } from '../version6.js';
import { readIfThere } from './cgroups.js';
import { mustBeSlot } from './names.js';

type Configured = Pick<Config, 'home' | 'addressPrefix6'>;

/** The /64 that containers get their IPv6 addresses from; absent where this host has no IPv6, or before `makePrefix6`. */
export function prefix6({ home, addressPrefix6 }: Configured, read = readIfThere): string | undefined {
  // New interfaces take after `default`: where it is off there, LXC could give a container no address and not start it.
  const isOff = ['all', 'default'].some((name) => read(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`)?.trim() !== '0');
  return isOff ? undefined : (addressPrefix6 ?? read(file(home))?.trim());
}

/** Where none is configured, one of our own is made once: fd, forty random bits, and subnet 0 (RFC 4193 §3.2). */
export function makePrefix6({ home, addressPrefix6 }: Configured): void {
  if (addressPrefix6 !== undefined || readIfThere(file(home)) !== undefined) return;
  const random = BigInt(`0x${randomBytes(5).toString('hex')}`);
  mkdirSync(home, { recursive: true, mode: 0o711 });
  writeFileSync(file(home), `${text6(((0xfdn << 40n) + random) << 80n)}/64\n`);
}

/** Whether it is nobody's but this host's, so that the world can answer only to an address of the host (RFC 4193). */
export const isOwn6 = (prefix: string): boolean => /^f[cd]/i.test(prefix);

/** The slot is its last group. */
export function address6(prefix: string, slot: Slot): string {
  return text6(number6(prefix.replace(/\/64$/, '')) + BigInt(mustBeSlot(slot)));
}

const file = (home: string): string => `${home}/prefix6`;
