import { Problem } from '@berth/problem';
import type { ExecSession, Slot } from '../runtime.js';
import { open } from './exec.js';
import { childrenOf, signalPid } from './process.js';

/** What a command inside is told of its surroundings; of the daemon's own environment it learns nothing. */
const surroundings = [
  'TERM=xterm-256color',
  'HOME=/root',
  'USER=root',
  'LANG=C.UTF-8',
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
];

/** Runs a command as root of a running container, in all its namespaces and cgroups. */
export function attach(lxcPath: string, slot: Slot, argv: readonly string[]): ExecSession {
  if (argv.length === 0 || argv.some((word) => word.includes('\0'))) {
    throw new Problem('invalid', 'cannot run that command: it needs at least one word, and no word may hold a NUL');
  }
  const variables = surroundings.flatMap((one) => ['-v', one]);
  const child = open(['lxc-attach', '-P', lxcPath, '-n', `${slot}`, '--clear-env', ...variables, '--', ...argv]);
  const kill = (): void => {
    // The command is a child of lxc-attach and outlives it; what it started goes first, because orphans are not found.
    for (const pid of descendants(child.pid)) signalPid(pid, 'SIGKILL');
    child.kill();
  };
  return { input: child.input, output: child.output, errors: child.errors, exit: child.exit, kill };
}

function descendants(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendants(child)]);
}
