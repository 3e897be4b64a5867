import { closeSync, existsSync, lstatSync, openSync, readFileSync, readdirSync, statfsSync } from 'node:fs';
import { constants } from 'node:os';
import koffi from 'koffi';
import { Problem } from '@berth/problem';

const libc = koffi.load('libc.so.6');
const control = libc.func('int ioctl(int fd, ulong request, void *argument)');
const renameat2 = libc.func(
  'int renameat2(int fromDirectory, const char *from, int toDirectory, const char *to, uint flags)',
);

// linux/btrfs.h
const SNAP_DESTROY = 0x5000940f;
const SUBVOL_CREATE = 0x5000940e;
const SNAP_CREATE_V2 = 0x50009417;
const INO_LOOKUP = 0xd0009412;
const FS_INFO = 0x8400941f;
const QUOTA_CTL = 0xc0109428;
const QGROUP_ASSIGN = 0x40189429;
const QGROUP_CREATE = 0x4010942a;
const QGROUP_LIMIT = 0x8030942b;
const SUBVOL_RDONLY = 2n;
const ENABLE_SIMPLE_QUOTA = 4n;
const LIMIT_MAX_RFER = 1n;

const magic = 0x9123683e;
/** The root of every subvolume has this number (BTRFS_FIRST_FREE_OBJECTID). */
const rootInode = 256;
const AT_FDCWD = -100;
const RENAME_EXCHANGE = 2;

/** A group of subvolumes that are counted and bounded together: its number, which holds its level in the upper 16 bits. */
export type Group = bigint;

export function isBtrfs(path: string): boolean {
  return statfsSync(path).type === magic;
}

export function isSubvolume(path: string): boolean {
  if (!existsSync(path)) return false;
  const stat = lstatSync(path);
  return stat.isDirectory() && stat.ino === rootInode && isBtrfs(path);
}

/** Makes an empty subvolume. */
export function createSubvolume(path: string): void {
  const [parent, name] = split(path);
  const words = Buffer.alloc(4096); // struct btrfs_ioctl_vol_args
  words.write(name, 8);
  at(parent, SUBVOL_CREATE, words, `make subvolume ${path}`);
}

/** Makes a subvolume that shares all with another and goes its own way; it is there wholly or not at all. */
export function snapshotSubvolume(from: string, to: string, isReadOnly = false): void {
  const [parent, name] = split(to);
  const source = openSync(from, 'r');
  try {
    const words = Buffer.alloc(4096); // struct btrfs_ioctl_vol_args_v2
    words.writeBigInt64LE(BigInt(source), 0);
    words.writeBigUInt64LE(isReadOnly ? SUBVOL_RDONLY : 0n, 16);
    words.write(name, 56);
    at(parent, SNAP_CREATE_V2, words, `make ${to} of ${from}`);
  } finally {
    closeSync(source);
  }
}

/** Answers false where it holds other subvolumes; the kernel frees its blocks in the background. */
export function destroySubvolume(path: string): boolean {
  const [parent, name] = split(path);
  const words = Buffer.alloc(4096);
  words.write(name, 8);
  const fd = openSync(parent, 'r');
  try {
    return control(fd, SNAP_DESTROY, words) === 0;
  } finally {
    closeSync(fd);
  }
}

/** Lets two subvolumes change places at once: there is no moment at which one is missing. */
export function exchange(one: string, other: string): void {
  if (Number(renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE)) !== 0) throw refused(`exchange ${one}`);
}

/**
 * Has the kernel charge what is written to the subvolume that writes it (btrfs(5), simple quotas; kernel 6.7). Answers
 * whether it does; a file system that counts in another way already goes on in that way, and is not counted on.
 */
export function countSimply(pool: string): boolean {
  const words = Buffer.alloc(16); // struct btrfs_ioctl_quota_ctl_args
  words.writeBigUInt64LE(ENABLE_SIMPLE_QUOTA, 0);
  const fd = openSync(pool, 'r');
  try {
    control(fd, QUOTA_CTL, words); // refused where it counts already, and by older kernels: `mode` tells
  } finally {
    closeSync(fd);
  }
  const mode = `${groupsOf(pool)}/mode`;
  return existsSync(mode) && readFileSync(mode, 'utf8').trim() === 'squota';
}

export function createGroup(pool: string, group: Group): void {
  at(pool, QGROUP_CREATE, words(1n, group), `count ${group}`, ['EEXIST']);
}

/** One that still counts something stays. */
export function removeGroup(pool: string, group: Group): void {
  at(pool, QGROUP_CREATE, words(0n, group), `count no more ${group}`, ['EBUSY', 'ENOENT']);
}

export function limitGroup(pool: string, group: Group, bytes: bigint): void {
  at(pool, QGROUP_LIMIT, words(group, LIMIT_MAX_RFER, bytes, 0n, 0n, 0n), `bound ${group}`);
}

/** From here on what the subvolume writes counts for the group, too. In it already is success. */
export function joinGroup(subvolume: string, group: Group): void {
  at(subvolume, QGROUP_ASSIGN, words(1n, subvolumeId(subvolume), group), `count ${subvolume}`, ['EEXIST']);
}

/** Bytes that a group, or a subvolume by its number, is charged with. None where nothing is counted. */
export function chargedBytes(pool: string, group: Group): bigint {
  const path = `${groupsOf(pool)}/${group >> 48n}_${group & ((1n << 48n) - 1n)}/referenced`;
  return existsSync(path) ? BigInt(readFileSync(path, 'utf8').trim()) : 0n;
}

/** Groups of subvolumes that the kernel keeps. */
export function groups(pool: string): Group[] {
  const path = groupsOf(pool);
  if (!existsSync(path)) return [];
  return readdirSync(path).flatMap((name) => (/^1_\d+$/.test(name) ? (1n << 48n) | BigInt(name.slice(2)) : []));
}

/** The number of a subvolume is that of the group of it alone. */
export function subvolumeId(path: string): bigint {
  const found = Buffer.alloc(4096); // struct btrfs_ioctl_ino_lookup_args
  found.writeBigUInt64LE(BigInt(rootInode), 8);
  at(path, INO_LOOKUP, found, `look up ${path}`);
  return found.readBigUInt64LE(0);
}

function groupsOf(pool: string): string {
  const info = Buffer.alloc(1024); // struct btrfs_ioctl_fs_info_args
  at(pool, FS_INFO, info, `look at ${pool}`);
  const id = info.subarray(16, 32).toString('hex');
  return `/sys/fs/btrfs/${id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}/qgroups`;
}

function words(...numbers: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(8 * numbers.length);
  numbers.forEach((number, at) => bytes.writeBigUInt64LE(number, 8 * at));
  return bytes;
}

function at(path: string, request: number, argument: Buffer, doing: string, fine: readonly string[] = []): void {
  const fd = openSync(path, 'r');
  try {
    if (control(fd, request, argument) < 0 && !fine.includes(lastError())) throw refused(doing);
  } finally {
    closeSync(fd);
  }
}

function split(path: string): [parent: string, name: string] {
  const slash = path.lastIndexOf('/');
  return [path.slice(0, slash), path.slice(slash + 1)];
}

function lastError(): string {
  const errno = koffi.errno();
  return Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
}

function refused(doing: string): Problem {
  const name = lastError();
  const isFull = name === 'ENOSPC' || name === 'EDQUOT';
  const cause = Object.assign(new Error(name), { code: name });
  return new Problem('unavailable', `cannot ${doing}: ${isFull ? 'the disk is full' : name}`, { cause });
}
