import { existsSync, readFileSync } from 'node:fs';
import { describe } from '@jest/globals';

type Part = readonly [what: string, isThere: () => boolean, cure: string];

/** What a real host needs, and how to get it. */
const parts: readonly Part[] = [
  ['root', () => process.getuid?.() === 0, 'run the tests as root'],
  ['LXC', () => existsSync('/usr/bin/lxc-start') && existsSync('/usr/bin/lxc-execute'), 'apt-get install lxc'],
  ['nftables', () => existsSync('/usr/sbin/nft'), 'apt-get install nftables'],
  ['debootstrap', () => existsSync('/usr/sbin/debootstrap'), 'apt-get install debootstrap'],
  ['overlayfs', () => /\toverlay$/m.test(readFileSync('/proc/filesystems', 'utf8')), 'modprobe overlay'],
];

/** For those who need a pool, or a disk that can be copied at one moment. */
export const btrfs: Part = [
  'btrfs',
  () => /\tbtrfs$/m.test(readFileSync('/proc/filesystems', 'utf8')) && existsSync('/usr/sbin/mkfs.btrfs'),
  'apt-get install btrfs-progs',
];

const lacking = (some: readonly Part[]): string[] =>
  some.filter(([, isThere]) => !isThere()).map(([what, , cure]) => `${what} (${cure})`);

/**
 * Tests that need a real host. Where a part is missing they are counted as skipped, and the name says which;
 * where everything has to be there (BERTH_MUST_HAVE_ALL=1) that is a failure.
 */
export function describeReal(name: string, tests: () => void, more: readonly Part[] = []): void {
  const missing = lacking([...parts, ...more]);
  if (missing.length === 0) {
    describe(name, tests);
    return;
  }
  const reason = `needs ${missing.join(', ')}`;
  if (process.env['BERTH_MUST_HAVE_ALL'] === '1') throw new Error(`cannot test "${name}": ${reason}`);
  process.stderr.write(`SKIPPED: ${name}: ${reason}\n`);
  describe.skip(`${name} [${reason}]`, tests);
}
