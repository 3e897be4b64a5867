import { readIfThere, codeOf } from './cgroups.js';

/** A process that cannot be mistaken for a later one with its number: when it began, in ticks since the host booted. */
export type Identity = Readonly<{ pid: number; ticks: number }>;

/** Ticks a second in /proc, the same on every architecture of Linux (proc(5), USER_HZ). */
export const ticksPerSecond = 100;

/** Absent when there is no such process, or only its exit code is left. */
export function identify(pid: number): Identity | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (!stat) return undefined;
  // The second field is a name that may hold anything, closing brackets included.
  const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? undefined : { pid, ticks: Number(fields[18]) };
}

export function isSame({ pid, ticks }: Identity): boolean {
  return identify(pid)?.ticks === ticks;
}

/** Looks who it is right before it signals; gone is success. */
export function signalProcess(process: Identity, signal: NodeJS.Signals | number): void {
  if (isSame(process)) signalPid(process.pid, signal);
}

/** For processes that are known to be ours at this moment. Gone is success. */
export function signalPid(pid: number, signal: NodeJS.Signals | number): void {
  try {
    process.kill(pid, signal);
  } catch (cause) {
    if (codeOf(cause) !== 'ESRCH') throw cause;
  }
}

/** Children of a process's main thread (proc(5), /proc/pid/task/tid/children). */
export function childrenOf(pid: number): number[] {
  const text = readIfThere(`/proc/${pid}/task/${pid}/children`) ?? '';
  return text.split(' ').filter(Boolean).map(Number);
}
