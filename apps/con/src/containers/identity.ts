import { Problem } from '@berth/problem';
import type { Runtime } from '../host/runtime.js';
import type { ContainerRecord } from './record.js';

/**
 * Makes a copy another machine, as its own root and with its own files: what must differ is taken away, and made anew at
 * its next boot. An empty machine-id is no first boot for systemd, which would set services back to what the distribution
 * presets (machine-id(5)). Host keys are made at once, because Debian makes them only when ssh is installed. What a
 * template's first boot made for this one container goes by the mark that such units look for; data stays.
 */
const script = `
set -e
rm -f /etc/machine-id /etc/hostname /var/lib/systemd/random-seed
: > /etc/machine-id
if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then rm -f /var/lib/dbus/machine-id; fi
rm -f /var/lib/berth/first-boot-done /var/lib/berth/login
set -- /etc/ssh/ssh_host_*_key
if [ -e "$1" ]; then
  rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
  if [ -x /usr/bin/ssh-keygen ]; then /usr/bin/ssh-keygen -A; fi
fi
`;

/** Keys of RSA take some seconds on a busy host. */
const identityMs = 60_000;
const mostSaid = 2_000;

/** @throws Problem `unavailable`, with what was said inside. */
export async function makeAnother(
  runtime: Pick<Runtime, 'aside'>,
  { slot, range, name }: Pick<ContainerRecord, 'slot' | 'range' | 'name'>,
  root: string,
): Promise<void> {
  let said = '';
  const log = (chunk: Buffer): void => void (said = (said + chunk.toString('utf8')).slice(-mostSaid));
  const argv = ['/bin/sh', '-c', script];
  const code = await runtime.aside({ slot, range, root, argv, log, signal: AbortSignal.timeout(identityMs) });
  if (code === 0) return;
  const reason = said.replace(/[^\x20-\x7e]+/g, ' ').trim() || 'it said nothing';
  throw new Problem('unavailable', `cannot make ${name} a container of its own: exit code ${code}: ${reason}`);
}
