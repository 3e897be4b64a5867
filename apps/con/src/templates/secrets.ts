/**
 * Looks, inside a container on the finished snapshot, for what would be the same secret in every container made from it:
 * host keys of SSH, a machine id, private keys of whatever name. Prints a path a line. Links are not followed; what
 * packages bring along below /usr/share and /usr/lib is public anyway.
 */
export const secretScan: readonly string[] = [
  '/bin/sh',
  '-c',
  `for file in /etc/ssh/ssh_host_*_key; do [ -f "$file" ] && [ ! -L "$file" ] && echo "$file"; done
for file in /etc/machine-id /var/lib/dbus/machine-id; do
  [ -s "$file" ] && [ ! -L "$file" ] && ! grep -qx uninitialized "$file" && echo "$file"
done
find / -xdev -type f -size -2048k ! -path '/usr/share/*' ! -path '/usr/lib/*' -print0 |
  xargs -0 -r grep -lsI -e '^-----BEGIN [A-Z ]*PRIVATE KEY' --
exit 0`,
];

/** The files named, shown safely and not without end. */
export function secretsFound(output: string): readonly string[] {
  const found = output.split('\n').filter((line) => line.startsWith('/'));
  return [...new Set(found)].map((path) => path.replace(/[^\x20-\x7e]/g, '?').slice(0, 200));
}
