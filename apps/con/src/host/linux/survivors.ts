import { readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Problem } from '@berth/problem';
import { readIfThere } from './cgroups.js';
import { signalPid } from './process.js';

/** How long killed processes may take to be gone. */
const endMs = 10_000;
const lookEveryMs = 2;

/**
 * Ends commands that outlived the daemon that started them, with their process groups; answers when none is left.
 * They are known by their words, among which `isOurs` has to find a path that only this con uses.
 */
export async function endSurvivors(isOurs: (words: readonly string[]) => boolean): Promise<void> {
  const deadline = performance.now() + endMs;
  for (let pids = found(isOurs); pids.length > 0; pids = found(isOurs)) {
    if (performance.now() > deadline) {
      throw new Problem('internal', `cannot end processes ${pids.join(', ')}: the kernel does not let go of them`);
    }
    for (const pid of pids.flatMap((pid) => [-pid, pid])) signalPid(pid, 'SIGKILL');
    await pause(lookEveryMs);
  }
}

/** Numbers of the host's own processes with such words. */
export function found(isOurs: (words: readonly string[]) => boolean): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter(isHere)
    .filter((pid) => isOurs((readIfThere(`/proc/${pid}/cmdline`) ?? '').split('\0')))
    .map(Number);
}

/**
 * Whether a process runs on the host itself. Root inside a container may give its processes any words, and start them
 * faster than they can be ended: they are in a pid namespace of their own, and none of con's concern here.
 */
function isHere(pid: string): boolean {
  const [, ids] = /^NSpid:\s*(.*)$/m.exec(readIfThere(`/proc/${pid}/status`) ?? '') ?? [];
  return ids?.trim().split(/\s+/).length === 1; // one in each namespace from ours inwards (proc_pid_status(5))
}
