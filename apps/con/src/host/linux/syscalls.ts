import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import koffi from 'koffi';
import { asProblem, Problem } from '@berth/problem';
import { mountPoints } from './mounts.js';

// The few system calls that Node has no name for. Numbers from 424 up are the same on every architecture.
const libc = koffi.load('libc.so.6');
const chdir = libc.func('int chdir(const char *path)');
const fchdir = libc.func('int fchdir(int fd)');
const mountCall = libc.func(
  'int mount(const char *source, const char *target, const char *type, ulong flags, const char *data)',
);
const umount2 = libc.func('int umount2(const char *target, int flags)');
const openTree = libc.func('long syscall(long number, int directory, const char *path, uint flags)');
const moveMount = libc.func(
  'long syscall(long number, int from, const char *fromPath, int to, const char *toPath, uint flags)',
);
const setAttr = libc.func(
  'long syscall(long number, int directory, const char *path, uint flags, void *attr, size_t size)',
);
const control = libc.func('int ioctl(int fd, ulong request, void *argument)');
const controlWith = libc.func('int ioctl(int fd, ulong request, long argument)');
const setfsuid = libc.func('int setfsuid(uint user)');
const setfsgid = libc.func('int setfsgid(uint group)');
const closeRangeCall = libc.func('long syscall(long number, uint first, uint last, uint flags)');

const OPEN_TREE = 428;
const MOVE_MOUNT = 429;
const CLOSE_RANGE = 436;
const MOUNT_SETATTR = 442;

const AT_FDCWD = -100;
const AT_EMPTY_PATH = 0x1000;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOUNT_ATTR_NODEV = 4n;
const MOUNT_ATTR_IDMAP = 0x100000n;
const MS_NODEV = 4;
const MS_BIND = 4096;
const MS_PRIVATE = 1 << 18;
const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;
const CLOSE_RANGE_CLOEXEC = 4;

// linux/loop.h and linux/fs.h
const LOOP_CONFIGURE = 0x4c0a;
const LOOP_SET_CAPACITY = 0x4c07;
const LOOP_CTL_GET_FREE = 0x4c82;
const LO_FLAGS_AUTOCLEAR = 4;
const FIFREEZE = 0xc0045877;
const FITHAW = 0xc0045878;

/** `mount(2)` takes one page of options and cuts the rest off without a word. */
const mostOptions = 4095;

/**
 * Keeps every file that is open now from those that con starts: what a careless starter left open in con would be handed
 * on by `lxc-attach` into a container (the way of CVE-2024-21626). Node marks its own. Answers false on a kernel before 5.11.
 */
export function keepFilesFromChildren(): boolean {
  return Number(closeRangeCall(CLOSE_RANGE, 3, 0xffffffff, CLOSE_RANGE_CLOEXEC)) === 0;
}

/**
 * Mounts an overlay whose options name directories relative to `directory`, so that hundreds of layers fit in one page.
 * The process's working directory changes for the one call: nothing else runs meanwhile, and con uses absolute paths only.
 * @throws Problem `invalid` for options longer than a page, `unavailable` where the kernel refuses.
 */
export function mountOverlay(directory: string, options: string, target: string): void {
  if (Buffer.byteLength(options) > mostOptions) {
    throw new Problem('invalid', `cannot mount ${target}: too many layers; build the template from fewer lines`);
  }
  const back = openSync('.', 'r');
  try {
    check(chdir(directory), 'enter', directory);
    check(mountCall('overlay', target, 'overlay', MS_NODEV, options), 'mount', target);
  } finally {
    const left = fchdir(back);
    closeSync(back);
    check(left, 'leave', directory);
  }
}

/** Has files belong to somebody else who are made by `act`, and lets it do to files what that one may (setfsuid(2)). */
export function asOwner<T>(owner: number, act: () => T): T {
  setfsgid(owner);
  setfsuid(owner);
  try {
    return act();
  } finally {
    setfsuid(0);
    setfsgid(0);
  }
}

/** Shows a directory at another path, so that a container's root can reach it without passing what is above it. */
export function mountBind(source: string, target: string): void {
  check(mountCall(source, target, null, MS_BIND, null), 'mount', target);
  check(mountCall(null, target, null, MS_PRIVATE, null), 'keep private', target);
}

/** Shows a directory at another path with the ids shifted by the map of a user namespace. */
export function mountShifted(source: string, target: string, userNamespace: number, { devices = true } = {}): void {
  const tree = check(openTree(OPEN_TREE, AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC), 'open', source);
  try {
    const attr = Buffer.alloc(32); // struct mount_attr: attr_set, attr_clr, propagation, userns_fd
    attr.writeBigUInt64LE(MOUNT_ATTR_IDMAP | (devices ? 0n : MOUNT_ATTR_NODEV), 0);
    attr.writeBigUInt64LE(BigInt(MS_PRIVATE), 16);
    attr.writeBigUInt64LE(BigInt(userNamespace), 24);
    check(setAttr(MOUNT_SETATTR, tree, '', AT_EMPTY_PATH, attr, attr.length), 'shift the ids of', source);
    check(moveMount(MOVE_MOUNT, tree, '', AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH), 'mount', target);
  } finally {
    closeSync(tree);
  }
}

/**
 * Unmounts all that is mounted at a path, at once, even while used. In a thread of its own, because the last unmount of
 * an overlay writes its files to the disk first. Nothing mounted there is success.
 */
export async function unmount(target: string): Promise<void> {
  while ((await unmountOnce(target)) === 0);
  if (mountPoints().has(target)) throw new Problem('unavailable', `cannot unmount ${target}: the kernel refuses`);
}

function unmountOnce(target: string): Promise<number> {
  return new Promise((resolve, reject) => {
    umount2.async(target, MNT_DETACH | UMOUNT_NOFOLLOW, (error: unknown, result: number) =>
      error ? reject(asProblem(error)) : resolve(result),
    );
  });
}

function check(result: number, verb: string, what: string): number {
  if (result >= 0) return Number(result);
  throw refused(verb, what, errnoName());
}

function errnoName(): string {
  const errno = koffi.errno();
  return Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? `errno ${errno}`;
}

function refused(verb: string, what: string, name: string): Problem {
  const cause = Object.assign(new Error(name), { code: name });
  const reason = name === 'ENOSPC' ? 'the disk is full' : name;
  return new Problem('unavailable', `cannot ${verb} ${what}: ${reason}`, { cause });
}

/**
 * Shows a file as a block device, until nobody uses it any more. Answers its path and an open file of it, which the
 * caller closes once it is mounted. Another process may be given the same free one: then the next is tried.
 * @throws Problem `unavailable` where the kernel has no loop devices.
 */
export function attachLoop(image: string): Readonly<{ device: string; file: number }> {
  const [backing, controller] = [openSync(image, 'r+'), openSync('/dev/loop-control', 'r+')];
  try {
    for (let tries = 0; ; tries++) {
      const number = check(controlWith(controller, LOOP_CTL_GET_FREE, 0), 'find a loop device for', image);
      const device = `/dev/loop${number}`;
      const file = openSync(device, 'r+');
      if (Number(control(file, LOOP_CONFIGURE, loopConfig(backing, image))) === 0) return { device, file };
      const refusal = errnoName();
      closeSync(file);
      if (refusal !== 'EBUSY' || tries === 20) throw refused('attach', image, refusal);
    }
  } finally {
    closeSync(backing);
    closeSync(controller);
  }
}

/** struct loop_config: the file, the block size (0: the kernel's choice), struct loop_info64, eight reserved words. */
function loopConfig(backing: number, image: string): Buffer {
  const config = Buffer.alloc(8 + 232 + 64);
  config.writeUInt32LE(backing, 0);
  config.writeUInt32LE(LO_FLAGS_AUTOCLEAR, 8 + 52);
  config.write(image.slice(-63), 8 + 56, 'latin1');
  return config;
}

/** Tells a block device that its file has grown. */
export function growLoop(device: string): void {
  const file = openSync(device, 'r+');
  try {
    check(controlWith(file, LOOP_SET_CAPACITY, 0), 'grow', device);
  } finally {
    closeSync(file);
  }
}

/** @param options as mount(8) has them, for ext4. */
export function mountExt4(device: string, target: string, options: string): void {
  mountDisk('ext4', device, target, options);
}

/** Mounts the file system of a block device. */
export function mountDisk(type: string, device: string, target: string, options: string): void {
  check(mountCall(device, target, type, MS_NODEV, options), 'mount', target);
}

/** Halts all writing to a mounted file system, having written everything; in a thread of its own, because that may take its time. */
export function freezeFileSystem(file: number, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    controlWith.async(file, FIFREEZE, 0, (error: unknown, result: number) => {
      if (error) reject(asProblem(error));
      else if (result === 0) resolve();
      else reject(new Problem('unavailable', `cannot halt the writing to ${path}: the kernel refuses`));
    });
  });
}

/** Lets it be written again. Not halted is success. */
export function thawFileSystem(file: number): void {
  controlWith(file, FITHAW, 0);
}
