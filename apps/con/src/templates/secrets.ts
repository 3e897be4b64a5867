/**
 * Looks, inside a container on the finished snapshot, for what would be the same secret in every container made from it:
 * host keys of SSH, a machine id, private keys. Prints a path a line. Links are not followed; packages' own test keys
 * below /usr are public anyway.
 */
export const secretScan: readonly string[] = [
  '/bin/sh',
  '-c',
  `for file in /etc/ssh/ssh_host_*_key; do [ -f "$file" ] && [ ! -L "$file" ] && echo "$file"; done
for file in /etc/machine-id /var/lib/dbus/machine-id; do
  [ -s "$file" ] && [ ! -L "$file" ] && ! grep -qx uninitialized "$file" && echo "$file"
done
grep -rlsI --include='*.pem' --include='*.key' --include='id_*' -e '-----BEGIN [A-Z ]*PRIVATE KEY' /etc /root /home /opt /srv /var/lib
exit 0`,
];

/** The files named, shown safely and not without end. */
export function secretsFound(output: string): readonly string[] {
  const found = output.split('\n').filter((line) => line.startsWith('/'));
  return [...new Set(found)].map((path) => path.replace(/[^\x20-\x7e]/g, '?').slice(0, 200));
}
