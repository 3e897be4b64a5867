import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import type { Health, Pressure } from '../health.js';
import { availableBytes } from './facts.js';

/** Reads what the kernel says of itself: some ten small files, well under a millisecond. */
export async function readHealth(home: string): Promise<Health> {
  const { bsize, blocks, bavail, files, ffree } = await statfs(home, { bigint: true });
  return {
    ...given('cpuPressure', pressureIn(textOf('/proc/pressure/cpu'))),
    ...given('memoryPressure', pressureIn(textOf('/proc/pressure/memory'))),
    ...given('ioPressure', pressureIn(textOf('/proc/pressure/io'))),
    ...given('fragmentation', fragmentationIn(textOf('/proc/buddyinfo'))),
    memoryBytes: BigInt(totalmem()),
    memoryFreeBytes: availableBytes(),
    diskBytes: bsize * blocks,
    diskFreeBytes: bsize * bavail,
    inodes: files,
    inodesFree: ffree,
    ...given('connections', numberIn(textOf('/proc/sys/net/netfilter/nf_conntrack_count'))),
    ...given('connectionsMost', numberIn(textOf('/proc/sys/net/netfilter/nf_conntrack_max'))),
  };
}

/** `some avg10=1.22 avg60=0.50 …`, and the same of `full`; kernels without PSI have no such file. */
export function pressureIn(text: string): Pressure | undefined {
  const [some, full] = ['some', 'full'].map((who) => new RegExp(`^${who} .*avg60=(\\d+\\.\\d+)`, 'm').exec(text)?.[1]);
  if (some === undefined) return undefined;
  return { some: thousandths(some), full: thousandths(full ?? '0') }; // before 5.13 the cpu has no `full`
}

/** Each line has the number of free pieces by order: 1 page, 2, 4, 8 … (proc(5), buddyinfo). */
export function fragmentationIn(text: string): number | undefined {
  const zones = text.split('\n').flatMap((line) => {
    const counts = /zone\s+\S+\s+([\d\s]+)$/.exec(line)?.[1];
    return counts === undefined ? [] : [counts.trim().split(/\s+/).map(Number)];
  });
  const pages = zones.flatMap((counts) => counts.map((count, order) => ({ order, pages: count * 2 ** order })));
  const free = sum(pages);
  return free === 0 ? undefined : Math.round((1_000 * sum(pages.filter(({ order }) => order < 3))) / free);
}

function sum(pieces: readonly { pages: number }[]): number {
  return pieces.reduce((all, { pages }) => all + pages, 0);
}

function thousandths(percent: string): number {
  return Math.round(Number(percent) * 10);
}

function numberIn(text: string): number | undefined {
  return /^\d+\n?$/.test(text) ? Number(text) : undefined;
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function given<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>);
}
