import { describe, expect, it } from '@jest/globals';
import { ailments, type Health } from './health.js';

const GiB = 1024n ** 3n;
const well: Health = {
  cpuPressure: { some: 300, full: 0 },
  memoryPressure: { some: 10, full: 5 },
  ioPressure: { some: 100, full: 50 },
  fragmentation: 200,
  ...{ memoryBytes: 16n * GiB, memoryFreeBytes: 8n * GiB, diskBytes: 100n * GiB, diskFreeBytes: 50n * GiB },
  ...{ inodes: 1_000_000n, inodesFree: 900_000n, connections: 100, connectionsMost: 262_144 },
};

describe("a host's health", () => {
  it('says nothing of a host that is well, or whose kernel tells little', () => {
    expect(ailments(well)).toEqual([]);
    const { memoryBytes, memoryFreeBytes, diskBytes, diskFreeBytes } = well;
    const little = { memoryBytes, memoryFreeBytes, diskBytes, diskFreeBytes, inodes: 0n, inodesFree: 0n };
    expect(ailments(little)).toEqual([]); // btrfs has no fixed number of inodes, and says 0
  });

  it.each<[Partial<Health>, RegExp]>([
    [{ memoryFreeBytes: GiB / 2n }, /^3 % of the memory is left$/],
    [{ memoryPressure: { some: 500, full: 150 } }, /^everything waited for memory 15 % of the last minute$/],
    [{ ioPressure: { some: 900, full: 600 } }, /^everything waited for the disk 60 % /],
    [{ cpuPressure: { some: 990, full: 0 } }, /^something waited for a core 99 % /],
    [{ fragmentation: 950 }, /^95 % of the free memory lies in small pieces$/],
    [{ diskFreeBytes: 9n * GiB }, /^9 % of the disk is left$/],
    [{ inodesFree: 10_000n }, /^1 % of the inodes is left$/],
    [{ connections: 250_000 }, /^250000 of 262144 connections are tracked$/],
  ])('warns, with a cure, where it is %j', (change, what) => {
    expect(ailments({ ...well, ...change })).toEqual([{ what: expect.stringMatching(what), cure: expect.anything() }]);
  });
});
