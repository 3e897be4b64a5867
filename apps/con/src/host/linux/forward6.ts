import { readdirSync } from 'node:fs';
import { settingOf, type Changes } from './changes.js';

/**
 * A host that forwards IPv6 listens to routers no more, and forgets the default route that one of them told it, unless
 * it is told to listen all the same (the kernel's ip-sysctl, accept_ra). That comes first.
 */
export function forward6(changes: Changes): void {
  // Else a container's first packet waits, up to 0.8 s, until its router is told to it (arp(7), proxy_delay).
  changes.setting('net.ipv6.neigh.default.proxy_delay', '0', 'containers find their router at once');
  if (settingOf('net.ipv6.conf.all.forwarding') === '1') return;
  const links = readdirSync('/sys/class/net').filter((name) => name !== 'lo' && !name.includes('.'));
  for (const key of links.map((name) => `net.ipv6.conf.${name}.accept_ra`)) {
    if (settingOf(key) === '1') changes.setting(key, '2', 'this host goes on listening to its router as it forwards');
  }
  changes.setting('net.ipv6.conf.all.forwarding', '1', 'containers reach the network by IPv6 through this host');
}
