import { describe, expect, it } from '@jest/globals';
import { readingOf } from './reading.js';

/** Recorded from a container of cgroup v1, cut to the lines around those that matter. */
const v1 = `cache 8192
rss 2715648
shmem 0
pgpgin 4821
hierarchical_memory_limit 536870912
total_cache 12865536
total_rss 4001792
total_rss_huge 0
total_shmem 12607488
total_mapped_file 0
total_active_file 135168
`;

/** Recorded from cgroup v2 under Linux 6.1. */
const v2 = `anon 4603904
file 41918464
kernel 3674112
kernel_stack 442368
pagetables 339968
sec_pagetables 0
percpu 7392
sock 4096
vmalloc 0
shmem 8192
file_mapped 25878528
slab_reclaimable 1935688
slab_unreclaimable 838960
slab 2774648
`;

const cpuStat = `usage_usec 9223372036855
user_usec 5181094
system_usec 4041942
nr_periods 0
`;

describe('a reading', () => {
  it('of cgroup v1 bills anonymous memory and files in memory of the whole tree below, and shows the page cache beside it', () => {
    expect(readingOf('91919617\n', v1)).toEqual({
      isAlive: true,
      cpuNanos: 91919617n,
      memoryBytes: 4001792n + 12607488n,
      pageCacheBytes: 12865536n - 12607488n,
    });
  });

  it('of cgroup v2 bills anonymous, shared and kernel memory', () => {
    expect(readingOf(cpuStat, v2)).toEqual({
      isAlive: true,
      cpuNanos: 9_223_372_036_855_000n,
      memoryBytes: 4603904n + 8192n + 3674112n,
      pageCacheBytes: 41918464n - 8192n,
    });
  });

  it('of a kernel before 5.18 adds up what it says of itself', () => {
    const older = v2.replace(/^kernel \d+\n/m, '');
    expect(readingOf(cpuStat, older).memoryBytes).toBe(4603904n + 8192n + 442368n + 339968n + 7392n + 2774648n);
  });

  it('of a container that has ended still tells what it used', () => {
    expect(readingOf('91919617\n', undefined)).toMatchObject({ isAlive: false, cpuNanos: 91919617n, memoryBytes: 0n });
  });

  it('keeps every digit of a counter beyond 2^53', () => {
    expect(readingOf('9223372036854775807\n', v1).cpuNanos).toBe(9223372036854775807n);
  });
});
