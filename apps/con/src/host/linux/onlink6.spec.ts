import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, type NetworkInterfaceInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { address6, isOwn6, makePrefix6, prefix6 } from './prefix6.js';
import { readIfThere } from './cgroups.js';
import { onlink6 } from './onlink6.js';

const at = (cidr: string, internal = false): NetworkInterfaceInfo => ({
  address: cidr.split('/')[0]!,
  netmask: '',
  mac: '',
  internal,
  cidr,
  family: 'IPv6',
  scopeid: 0,
});

describe('by IPv6', () => {
  it('the networks of the host are known, without those in others, its links and its loopback', () => {
    const eth0 = [at('2001:db8:0:1::77/64'), at('2001:db8:0:1:2::1/80'), at('fe80::1/64'), at('fd00::2/128')];
    expect(onlink6({ lo: [at('::1/128', true)], eth0, eth1: [at('2001:db8:0:1::78/64')] })).toEqual([
      '2001:db8:0:1::/64',
      'fd00::2',
    ]);
  });

  it('a prefix of one’s own is made once, and there is none where the host has no IPv6', () => {
    const home = mkdtempSync(join(tmpdir(), 'con-prefix-'));
    const config = { home, addressPrefix6: undefined };
    const on = (path: string): string | undefined => (path.startsWith('/proc') ? '0\n' : readIfThere(path));
    expect(prefix6(config, on)).toBeUndefined();
    makePrefix6(config);
    const made = prefix6(config, on);
    expect(made).toMatch(/^fd[0-9a-f:]+::\/64$/);
    expect(isOwn6(made!)).toBe(true);
    makePrefix6(config);
    expect(prefix6(config, on)).toBe(made);
    expect(prefix6({ ...config, addressPrefix6: '2001:db8:1:2::/64' }, on)).toBe('2001:db8:1:2::/64');
    expect(prefix6(config, (path) => (path.includes('default') ? '1\n' : on(path)))).toBeUndefined();
    expect(prefix6(config, () => undefined)).toBeUndefined();
    rmSync(home, { recursive: true });
  });

  it('the last group of an address is the slot', () => {
    expect(address6('fd12:3456:789a::/64', 10)).toBe('fd12:3456:789a::a');
    expect(address6('2001:db8:1:2::/64', 65_279)).toBe('2001:db8:1:2::feff');
  });
});
