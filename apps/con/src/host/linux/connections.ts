import { existsSync } from 'node:fs';
import { Problem } from '@berth/problem';
import type { Forwarding } from '../net.js';
import { run } from './exec.js';

/** The kernel lets established connections live on after their rule has gone; by source, then by who answered. */
export async function endConnections(address: string): Promise<void> {
  const sides = ['--orig-src', '--reply-src'];
  await Promise.all(sides.map((side) => end([...versionOf(address), side, address], `of ${address}`)));
}

type Came = Pick<Forwarding, 'protocol' | 'hostPort' | 'address'>;

/** Those that came by a forward. */
export async function endForwarded({ protocol, hostPort, address }: Came): Promise<void> {
  const which = [...versionOf(address), '-p', protocol, '--orig-port-dst', `${hostPort}`, '--reply-src', address];
  await end(which, `to ${protocol} port ${hostPort}`);
}

const versionOf = (address: string): string[] => ['-f', address.includes(':') ? 'ipv6' : 'ipv4'];

async function end(which: readonly string[], whose: string): Promise<void> {
  if (!existsSync('/usr/sbin/conntrack')) return; // prepare() warns of it
  const { code, errors } = await run(['conntrack', '-D', ...which]);
  if (code !== 0 && !/ 0 flow entries/.test(errors)) {
    throw new Problem('internal', `cannot end the connections ${whose}: ${errors}`);
  }
}
