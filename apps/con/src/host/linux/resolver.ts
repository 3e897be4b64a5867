import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fchownSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { codeOf } from './cgroups.js';
import { resolverAddresses } from './names.js';
import { asOwner } from './syscalls.js';

/** What con wrote, con may write anew; a file that somebody else wrote stays as it is. */
const mark = '# Written by Berth when this container was started.\n';

/**
 * Tells a container that does not run which name servers to ask. Its files belong to a stranger: below the opened root
 * every step refuses symbolic links, nothing that is there is written to, and the new file replaces the old by name.
 */
export function handResolver(root: string, firstId: bigint): void {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  const rootFile = openSync(root, flags);
  try {
    const etc = openPlainly(`/proc/self/fd/${rootFile}/etc`, flags);
    if (typeof etc !== 'number') return;
    try {
      if (isOurs(`/proc/self/fd/${etc}/resolv.conf`)) hand(`/proc/self/fd/${etc}`, Number(firstId));
    } finally {
      closeSync(etc);
    }
  } finally {
    closeSync(rootFile);
  }
}

/** The host's name servers, without those that only the host itself can reach. */
export function hostServers(read: (path: string) => string = (path) => readFileSync(path, 'utf8')): string[] {
  const files = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'].filter((path) => existsSync(path));
  for (const file of files) {
    const servers = [...read(file).matchAll(/^\s*nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$/gm)].map((match) => match[1]!);
    const reachable = servers.filter((address) => !address.startsWith('127.'));
    if (reachable.length > 0) return reachable;
  }
  return [];
}

function isOurs(path: string): boolean {
  const file = openPlainly(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if (typeof file !== 'number') return file === 'absent';
  try {
    const stat = fstatSync(file);
    const isSmall = stat.isFile() && stat.size < 4096;
    return isSmall && (stat.size === 0 || readFileSync(file, 'utf8').startsWith(mark));
  } finally {
    closeSync(file);
  }
}

/** `other` is a symbolic link, a socket, or no directory where one was wanted. */
function openPlainly(path: string, flags: number): number | 'absent' | 'other' {
  try {
    return openSync(path, flags);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return 'absent';
    if (['ELOOP', 'ENOTDIR', 'ENXIO'].includes(codeOf(cause))) return 'other';
    throw cause;
  }
}

/**
 * Where ids are shifted, nobody who is not among them can make a file, not even root: it is made by the container's root
 * then. One who closed `/etc` to itself keeps what is there.
 */
function hand(etc: string, owner: number): void {
  try {
    replace(etc, owner);
  } catch (refusal) {
    if (codeOf(refusal) !== 'EOVERFLOW') throw refusal;
    try {
      asOwner(owner, () => replace(etc, owner));
    } catch (closed) {
      if (codeOf(closed) !== 'EACCES') throw closed;
    }
  }
}

function replace(etc: string, owner: number): void {
  const fresh = `${etc}/.resolv.conf.${randomUUID()}`;
  const file = openSync(fresh, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o644);
  try {
    writeSync(file, mark + resolverAddresses.map((address) => `nameserver ${address}\n`).join(''));
    fchownSync(file, owner, owner);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, `${etc}/resolv.conf`);
}
