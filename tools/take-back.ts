import { conClient } from '@berth/con-protocol';
import { existsSync, readFileSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { ConOptions } from './con-service.ts';
import { notedPackages } from './host-packages.ts';
import type { Installation } from './installation.ts';
import { endLeftovers, runningStart } from './leftovers.ts';
import { startPostgres } from './postgres/cluster.ts';
import { mustRun } from './run.ts';
import { root } from './sources.ts';
import { sweepHost } from './sweep.ts';

/**
 * Takes back every change that an installation made to this host, in the reverse order; told of each beforehand. What is
 * gone already is no fault, so that a teardown that was cut off can be run again.
 * @throws Error where the installation is running.
 */
export async function takeBack(installed: Installation, say: (line: string) => void): Promise<void> {
  const { state, packages, postgres, con } = installed;
  const { site } = installed;
  if (runningStart(state) !== undefined)
    throw new Error('cannot tear down: Berth is running; stop it first (Ctrl-C in its terminal)');
  if ((await endLeftovers([site, con.home])) > 0) say('Ending what a start that was killed left running');
  if (await isUp(con))
    throw new Error(`cannot tear down: a con that npm start did not begin uses ${con.home}; end it first`);
  if (existsSync(postgres)) {
    say('Stopping PostgreSQL');
    await (await startPostgres({ directory: postgres, binaries: state })).stop();
  }
  // Whatever could be run here now: what is undone is what was done.
  if (heldContainers(con)) {
    say('Ending containers, removing rules, interfaces and mounts');
    await undoHost(con, say);
    await sweepHost(con); // what a con that was killed half-way knows nothing of
  }
  const brought = notedPackages(packages);
  if (brought.length > 0) {
    say(`Removing the packages that were not there before: ${brought.join(', ')}`);
    await mustRun('apt-get', ['purge', '-q', '-y', ...brought], { env: { DEBIAN_FRONTEND: 'noninteractive' } });
  }
  const mounted = mountsBelow(con.runDirectory);
  if (mounted.length > 0) {
    const cure = 'unmount it, or restart this machine, and tear down again';
    throw new Error(`cannot tear down: ${mounted[0]} is still mounted, and what is in it would be erased; ${cure}`);
  }
  say(`Removing ${state}`);
  rmSync(con.runDirectory, { recursive: true, force: true });
  const kept = existsSync(state) ? readdirSync(state) : [];
  for (const name of kept.filter(isOurs)) rmSync(resolve(state, name), { recursive: true, force: true });
  removeIfEmpty(state);
  if (existsSync(state)) say(`${state} is kept: it holds what npm start did not make`);
  removeIfEmpty(dirname(con.runDirectory));
}

/** Whether real containers were ever kept there: a fake host has neither volumes nor changes. */
function heldContainers({ home }: ConOptions): boolean {
  return ['volumes', 'layers', 'changes.json'].some((name) => existsSync(resolve(home, name)));
}

/** proc_pid_mountinfo(5): the fifth word is the mount point, with blanks as `\\040`. */
function mountsBelow(directory: string): string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  return points.filter((point) => point === directory || point.startsWith(`${directory}/`));
}

/** What an installation keeps in its state. The directory is somebody's choice, and may hold more. */
function isOurs(name: string): boolean {
  return /^(packages\.json|proxy\.json|start\.pid|site|con|run|dev|postgres(-[\w.-]+)?)$/.test(name);
}

async function isUp({ runDirectory }: ConOptions): Promise<boolean> {
  const client = conClient({ socketPath: resolve(runDirectory, 'con.sock'), timeoutMs: 1_000 });
  return client['host.info']({}).then(
    () => true,
    () => false,
  );
}

/** con itself knows what it changed, and what stood there before. */
async function undoHost(con: ConOptions, say: (line: string) => void): Promise<void> {
  const built = (path: string): string => resolve(root, 'apps/con/dist', path);
  const { readConfig } = (await import(built('config.js'))) as typeof import('../apps/con/src/config.ts');
  const { LinuxHost } = (await import(
    built('host/linux/linux.js')
  )) as typeof import('../apps/con/src/host/linux/linux.ts');
  const flags = {
    name: con.name,
    home: con.home,
    runDirectory: con.runDirectory,
    addressPool: `10.${con.network}.0.0/16`,
  };
  const host = new LinuxHost(readConfig(flags, {}), say);
  await host.teardown();
  await host.close();
}

/** `/run/berth`, but never a directory in which somebody else keeps something. */
function removeIfEmpty(directory: string): void {
  if (existsSync(directory) && readdirSync(directory).length === 0) rmdirSync(directory);
}
