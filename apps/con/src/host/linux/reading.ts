import type { Reading } from '../meter.js';

/**
 * What the kernel's text says, of either version: `cpuacct.usage` and `memory.stat` of v1, `cpu.stat` and `memory.stat`
 * of v2. v1's `total_…` lines include the cgroups that systemd makes inside; v2's lines always do.
 * Which words are billed: money.md, "Measured by con".
 */
export function readingOf(cpu: string, memory: string | undefined): Reading {
  const used = memory === undefined ? { memoryBytes: 0n, pageCacheBytes: 0n } : memoryOf(memory);
  return { isAlive: memory !== undefined, cpuNanos: cpuNanos(cpu), ...used };
}

function cpuNanos(text: string): bigint {
  const usec = value(text, 'usage_usec');
  return usec === undefined ? BigInt(text.trim()) : usec * 1000n;
}

function memoryOf(text: string): Pick<Reading, 'memoryBytes' | 'pageCacheBytes'> {
  const shmem = value(text, 'total_shmem');
  if (shmem !== undefined) {
    const cache = value(text, 'total_cache') ?? shmem;
    return { memoryBytes: (value(text, 'total_rss') ?? 0n) + shmem, pageCacheBytes: cache - shmem };
  }
  const shared = value(text, 'shmem') ?? 0n;
  const file = value(text, 'file') ?? shared;
  return { memoryBytes: (value(text, 'anon') ?? 0n) + shared + kernelBytes(text), pageCacheBytes: file - shared };
}

/** One line since Linux 5.18; before that, the sum of its larger parts. */
function kernelBytes(text: string): bigint {
  const whole = value(text, 'kernel');
  if (whole !== undefined) return whole;
  return ['kernel_stack', 'pagetables', 'percpu', 'slab'].reduce((sum, word) => sum + (value(text, word) ?? 0n), 0n);
}

/** Searches instead of splitting: most of the forty lines are of no interest, and a thousand containers are read at once. */
function value(text: string, word: string): bigint | undefined {
  const at = text.startsWith(`${word} `) ? 0 : text.indexOf(`\n${word} `) + 1;
  if (at === 0 && !text.startsWith(`${word} `)) return undefined;
  const end = text.indexOf('\n', at);
  return BigInt(text.slice(at + word.length + 1, end < 0 ? undefined : end));
}
