import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { BaseCache } from '../src/host/linux/base-cache.js';
import { describeReal } from './real.js';

const never = new AbortController().signal;

let home: string;
let cache: string;
let tree: string;
let target: string;

describeReal('the store of base systems', () => {
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'berth-base-cache-'));
    [cache, tree, target] = [join(home, 'cache'), join(home, 'tree'), join(home, 'target')];
    for (const path of [tree, target]) mkdirSync(path);
    writeFileSync(join(tree, 'init'), 'x'.repeat(50_000));
    chownSync(join(tree, 'init'), 7, 8);
    chmodSync(join(tree, 'init'), 0o4755);
  });

  afterEach(() => rmSync(home, { recursive: true }));

  it('gives a tree back with its owners and modes, and is open to root alone', async () => {
    await new BaseCache(cache).keep('bookworm', tree, never);
    expect(await new BaseCache(cache).unpack('bookworm', target, never)).toBe(true);
    const { uid, gid, mode } = statSync(join(target, 'init'));
    expect([uid, gid, mode & 0o7777]).toEqual([7, 8, 0o4755]);
    expect(readFileSync(join(target, 'init'), 'utf8')).toHaveLength(50_000);
    expect(statSync(join(cache, 'bookworm.tar')).mode & 0o777).toBe(0o600);
    expect(readdirSync(cache)).toEqual(['bookworm.tar']);
  });

  it('has nothing where nothing was kept', async () => {
    expect(await new BaseCache(cache).unpack('bookworm', target, never)).toBe(false);
  });

  it('throws a damaged archive away instead of using it', async () => {
    await new BaseCache(cache).keep('bookworm', tree, never);
    truncateSync(join(cache, 'bookworm.tar'), 20_000);
    expect(await new BaseCache(cache).unpack('bookworm', target, never)).toBe(false);
    expect(existsSync(join(cache, 'bookworm.tar'))).toBe(false);
  });

  it('keeps nothing by half when it is cancelled', async () => {
    await expect(new BaseCache(cache).keep('bookworm', tree, AbortSignal.abort())).rejects.toThrow(/cancelled/);
    expect(readdirSync(cache)).toEqual([]);
  });

  it('trusts no directory that others can write to, and no archive that is not of root', async () => {
    await new BaseCache(cache).keep('bookworm', tree, never);
    chmodSync(cache, 0o777);
    await expect(new BaseCache(cache).unpack('bookworm', target, never)).rejects.toThrow(/cannot trust/);
    await expect(new BaseCache(cache).keep('bookworm', tree, never)).rejects.toThrow(/cannot trust/);
    chmodSync(cache, 0o755);
    chownSync(join(cache, 'bookworm.tar'), 1000, 0);
    await expect(new BaseCache(cache).unpack('bookworm', target, never)).rejects.toThrow(/cannot trust/);
    expect(readdirSync(target)).toEqual([]);
  });
});
