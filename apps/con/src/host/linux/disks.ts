import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { Problem } from '@berth/problem';
import { tooLittleDisk } from '../layers.js';
import type { Slot } from '../runtime.js';
import { Blanks } from './blanks.js';
import { must, run } from './exec.js';
import { whenFull } from './full.js';
import { isMounted, mountPoints } from './mounts.js';
import { directory, type Shelf } from './shelf.js';
import { attachLoop, freezeFileSystem, growLoop, mountExt4, thawFileSystem, unmount } from './syscalls.js';

/**
 * meta_bg lets it grow without room kept for that, which would be 4 MB for each container; with a loop device behind,
 * zeroing what is zero already would only fill the host (ext4(5), mke2fs(8)).
 */
const making = ['-q', '-F', '-m', '0', '-O', '^resize_inode,meta_bg', '-i', '32768', '-J', 'size=16'];
const lazily = ['-E', 'lazy_itable_init=1,lazy_journal_init=1,nodiscard'];
/** What is deleted inside is given back to the host at once. */
const options = 'discard,noinit_itable,errors=remount-ro';

/** A file system is made larger than its limit, which then moves both ways while it is mounted; holes cost next to nothing. */
const leastBytes = 16n * 1024n ** 3n;

/** How large a file system is that holds so much: what ext4 needs for itself is less than an eighth. */
function roomFor(limit: bigint): bigint {
  let bytes = leastBytes;
  while (bytes < limit + limit / 8n) bytes *= 2n;
  return bytes;
}

/** The kernel keeps so many blocks back by itself, for what must not fail (Documentation/ABI/testing/sysfs-fs-ext4). */
const leastReserve = 4096n;

/**
 * The disks of containers: for each an ext4 file system in a sparse file, so that the kernel itself holds it to its size
 * and knows without a walk what is in it. A disk stays mounted from its first use until its volume goes, so that one file
 * never has two file systems at once.
 */
export class Disks {
  /** Block devices of disks, also of those whose last user has not let go yet. */
  private readonly devices = new Map<Slot, string>();
  private readonly blanks = new Blanks((path) => mustFit(['mkfs.ext4', ...making, ...lazily, path], 'make a disk'));
  private isHeld = false;
  /** What mounts, unmounts or exchanges a disk, one after another: a look at its use may come at any moment. */
  private readonly tails = new Map<Slot, Promise<unknown>>();

  constructor(private readonly shelf: Shelf) {}

  /** Finds what a daemon before has mounted, and thaws what it left frozen when it was killed. */
  prepare(): void {
    for (const [device, image] of attachedImages()) {
      const [, slot] = /\/volumes\/(\d+)\/disk$/.exec(image) ?? [];
      if (slot !== undefined && image === this.shelf.image(Number(slot))) this.devices.set(Number(slot), device);
    }
    for (const slot of this.devices.keys()) {
      if (isMounted(this.shelf.disk(slot))) this.opened(slot, thawFileSystem);
    }
  }

  /** Makes the empty disk of a volume whose directory is there. One that is there is held to that size instead. */
  async make(slot: Slot, bytes: bigint): Promise<void> {
    const image = this.shelf.image(slot);
    if (existsSync(image)) return this.limitOf(slot) === bytes ? undefined : this.limit(slot, bytes);
    this.noteLimit(this.shelf.volume(slot), bytes, { flush: false });
    const draft = `${image}.new`;
    await this.blanks.write(draft, roomFor(bytes));
    renameSync(draft, image);
  }

  /** Mounts the disk of a volume; answers where. Already mounted is success. */
  attach(slot: Slot): Promise<string> {
    return this.oneByOne(slot, () => this.attachNow(slot));
  }

  /** Unmounts it. Not mounted is success. */
  detach(slot: Slot): Promise<void> {
    return this.oneByOne(slot, () => this.detachNow(slot));
  }

  /** Puts another file in place of an unused disk's, at once. */
  exchange(slot: Slot, draft: string): Promise<void> {
    return this.oneByOne(slot, async () => {
      await this.detachNow(slot);
      renameSync(draft, this.shelf.image(slot));
    });
  }

  private oneByOne<T>(slot: Slot, work: () => Promise<T>): Promise<T> {
    const mine = (this.tails.get(slot) ?? Promise.resolve()).then(work);
    const tail = mine.then(
      () => undefined,
      () => undefined, // whoever asked for it hears of it
    );
    this.tails.set(slot, tail);
    void tail.then(() => this.tails.get(slot) === tail && this.tails.delete(slot));
    return mine;
  }

  private async attachNow(slot: Slot): Promise<string> {
    const path = this.shelf.disk(slot);
    if (isMounted(path)) return path;
    const image = this.shelf.image(slot);
    if (!existsSync(image))
      throw new Problem('not_found', `cannot mount the disk of volume ${slot}: it does not exist`);
    await this.growUnused(slot);
    directory(path, { mode: 0o700 });
    const known = this.deviceOf(slot);
    if (known) mountExt4(known, path, options);
    else this.mountAnew(slot, image, path);
    this.reserve(slot);
    return path;
  }

  private async detachNow(slot: Slot): Promise<void> {
    const path = this.shelf.disk(slot);
    if (mountPoints().has(path)) await unmount(path);
    rmSync(path, { recursive: true, force: true });
    if (this.deviceOf(slot) === undefined) this.devices.delete(slot);
  }

  /** What its files and directories take, in bytes; a look at the superblock. */
  async usedBytes(slot: Slot): Promise<bigint> {
    const { bsize, blocks, bfree } = statfsSync(await this.attach(slot), { bigint: true });
    return bsize * (blocks - bfree);
  }

  /**
   * Holds a volume to another size, at once. @throws Problem `conflict` below what is in use, naming the least, and where
   * this kernel lets it grow only while nothing uses it.
   */
  async limit(slot: Slot, bytes: bigint): Promise<void> {
    const used = await this.usedBytes(slot);
    if (bytes < used) throw tooLittleDisk(used);
    const before = this.limitOf(slot);
    this.noteLimit(this.shelf.volume(slot), bytes);
    try {
      await this.grow(slot, bytes);
    } catch (thrown) {
      this.noteLimit(this.shelf.volume(slot), before);
      throw thrown;
    }
    this.reserve(slot);
  }

  /** While held no disk takes more of the host than it has: inside it is as if the disk were full. */
  hold(isHeld: boolean): void {
    if (isHeld === this.isHeld) return;
    this.isHeld = isHeld;
    for (const slot of this.devices.keys()) if (isMounted(this.shelf.disk(slot))) this.reserve(slot);
  }

  /** Runs what must see the file of a disk whole and still. The caller has halted who writes to it. */
  async frozen<T>(slot: Slot, act: () => Promise<T>): Promise<T> {
    const path = await this.attach(slot);
    const file = openSync(path, 'r');
    try {
      await freezeFileSystem(file, path);
      return await act();
    } finally {
      thawFileSystem(file);
      closeSync(file);
    }
  }

  private mountAnew(slot: Slot, image: string, path: string): void {
    const { device, file } = attachLoop(image);
    try {
      mountExt4(device, path, options);
      this.devices.set(slot, device);
    } finally {
      closeSync(file);
    }
  }

  /** The device that still shows this very file, if one does: mounted again it is the same file system. */
  private deviceOf(slot: Slot): string | undefined {
    const device = this.devices.get(slot);
    return device !== undefined && backingFile(device) === this.shelf.image(slot) ? device : undefined;
  }

  private async grow(slot: Slot, bytes: bigint): Promise<void> {
    const [image, device] = [this.shelf.image(slot), this.deviceOf(slot)];
    if (BigInt(statSync(image).size) >= roomFor(bytes) || device === undefined) return;
    truncateSync(image, Number(roomFor(bytes)));
    growLoop(device);
    try {
      await must(['resize2fs', device]);
    } catch (cause) {
      if (isMounted(this.shelf.root(slot))) {
        const message = `cannot enlarge the disk of a running container: the kernel lets nobody do that here; stop it first`;
        throw new Problem('conflict', message, { cause });
      }
      await this.detach(slot);
      await this.attach(slot);
    }
  }

  /** A file that is smaller than its limit is grown before it is used; nothing but it has to be asked then. */
  private async growUnused(slot: Slot): Promise<void> {
    const [image, bytes] = [this.shelf.image(slot), roomFor(this.limitOf(slot))];
    if (this.deviceOf(slot) !== undefined) return;
    if (BigInt(statSync(image).size) < bytes) truncateSync(image, Number(bytes));
    if (fileSystemBytes(image) >= bytes - 65_536n) return;
    await must(['e2fsck', '-f', '-p', image]).catch(() => undefined); // 1: it mended something, which resize2fs then sees
    await must(['resize2fs', image]);
  }

  /** What lies above the limit is kept back from everybody inside, and while held all that is free. */
  private reserve(slot: Slot): void {
    const { bsize, blocks } = statfsSync(this.shelf.disk(slot), { bigint: true });
    const limit = this.limitOf(slot) / bsize;
    const above = blocks > limit ? blocks - limit : 0n;
    const kept = this.isHeld ? blocks - 1n : above > leastReserve ? above : leastReserve;
    const device = this.devices.get(slot)?.slice('/dev/'.length);
    writeFileSync(`/sys/fs/ext4/${device}/reserved_clusters`, `${kept}`);
  }

  private opened(slot: Slot, act: (file: number) => void): void {
    const file = openSync(this.shelf.disk(slot), 'r');
    act(file);
    closeSync(file);
  }

  /** What a volume is held to, in bytes. */
  limitOf(slot: Slot): bigint {
    const noted = `${this.shelf.volume(slot)}/limit`;
    const [, bytes] = /^(\d+)\n/.exec(existsSync(noted) ? readFileSync(noted, 'utf8') : '') ?? [];
    return BigInt(bytes ?? statSync(this.shelf.image(slot)).size); // the power went before it was on the disk
  }

  /** Beside the disk, so that whoever mounts it next holds it to the same. */
  noteLimit(volume: string, bytes: bigint, { flush = true } = {}): void {
    writeFileSync(`${volume}/limit.new`, `${bytes}\n`, { mode: 0o600, flush });
    renameSync(`${volume}/limit.new`, `${volume}/limit`);
  }
}

/** Of every loop device in use. */
function attachedImages(): [string, string][] {
  const names = readdirSync('/sys/block').filter((name) => name.startsWith('loop'));
  return names.flatMap((name): [string, string][] => {
    const image = backingFile(`/dev/${name}`);
    return image === undefined ? [] : [[`/dev/${name}`, image]];
  });
}

function backingFile(device: string): string | undefined {
  try {
    return readFileSync(`/sys/block/${device.slice('/dev/'.length)}/loop/backing_file`, 'utf8').trim();
  } catch {
    return undefined; // it backs nothing any more
  }
}

/** s_blocks_count and s_log_block_size of the superblock (Documentation/filesystems/ext4/super.rst). */
function fileSystemBytes(image: string): bigint {
  const superblock = readAt(image, 1024, 1024);
  const [low, high] = [superblock.readUInt32LE(4), superblock.readUInt32LE(0x150)];
  return ((BigInt(high) << 32n) | BigInt(low)) << BigInt(10 + superblock.readUInt32LE(24));
}

function readAt(path: string, position: number, length: number): Buffer {
  const [file, bytes] = [openSync(path, 'r'), Buffer.alloc(length)];
  try {
    readSync(file, bytes, { position });
    return bytes;
  } finally {
    closeSync(file);
  }
}

async function mustFit(argv: readonly string[], doing: string): Promise<void> {
  const { code, errors } = await run(argv, {});
  if (code === 0) return;
  if (/No space left|ENOSPC/i.test(errors))
    throw whenFull(Object.assign(new Error(errors.trim()), { code: 'ENOSPC' }), doing);
  throw new Problem('unavailable', `cannot ${doing}: ${errors.trim()}`);
}
