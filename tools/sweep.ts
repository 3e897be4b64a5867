import { readdirSync, readFileSync, rmdirSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ConOptions } from './con-service.ts';
import { run } from './run.ts';

type Swept = Pick<ConOptions, 'name' | 'home' | 'runDirectory' | 'network'>;

/** Takes away all that one con made on this host, and nothing else: whatever bears its name or lies below its directories. */
export async function sweepHost({ name, home, runDirectory, network }: Swept): Promise<void> {
  await endContainers([home, runDirectory]);
  for (const mount of mountsBelow([home, runDirectory])) await run('umount', ['--lazy', mount], { quiet: true });
  const links = (await run('ip', ['-o', 'link'], { quiet: true })).output;
  for (const [, link] of links.matchAll(/^\d+: ([^:@]+)/gm)) {
    if (new RegExp(`^${name}[vb]\\d+$`).test(link!)) await run('ip', ['link', 'delete', link!], { quiet: true });
  }
  await run('nft', ['delete', 'table', 'inet', `berth_${name}`], { quiet: true });
  await run('ip', ['route', 'delete', 'blackhole', `10.${network}.0.0/16`], { quiet: true });
  for (const controller of readdirSync('/sys/fs/cgroup')) await removeGroups(join('/sys/fs/cgroup', controller, name));
  rmSync(runDirectory, { recursive: true, force: true });
}

/** Kills the monitors of containers that are kept below these; the kernel ends their inits with them. */
async function endContainers(directories: readonly string[]): Promise<void> {
  const monitors = readdirSync('/proc').filter(
    (pid) =>
      /^\d+$/.test(pid) &&
      commandOf(pid).startsWith('[lxc monitor]') &&
      directories.some((directory) => commandOf(pid).includes(` ${directory}/`)),
  );
  for (const pid of monitors) process.kill(Number(pid), 'SIGKILL');
  const until = Date.now() + 10_000;
  while (monitors.some((pid) => commandOf(pid) !== '') && Date.now() < until) await delay(20);
}

function commandOf(pid: string): string {
  return existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '';
}

function mountsBelow(directories: readonly string[]): readonly string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) => directories.some((directory) => point.startsWith(`${directory}/`))).reverse();
}

/** Depth first: a cgroup with children cannot be removed, and the kernel keeps one busy for a moment after its last process. */
async function removeGroups(directory: string): Promise<void> {
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeGroups(join(directory, entry.name));
  }
  for (const until = Date.now() + 5_000; existsSync(directory); await delay(20)) {
    try {
      rmdirSync(directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || Date.now() > until) throw error;
    }
  }
}
