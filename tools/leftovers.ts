import { existsSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Where a service of ours notes its number, so that one whose parent was killed is found again. */
export const pidFileIn = (directory: string): string => resolve(directory, 'service.pid');

/** What a service's environment names: a number may have gone to another program since. */
export const serviceMark = (directory: string): Readonly<Record<string, string>> => ({ BERTH_SERVICE: directory });

export const startFileIn = (state: string): string => resolve(state, 'start.pid');

/** The `npm start` that works in this state, if one does. */
export function runningStart(state: string): number | undefined {
  const file = startFileIn(state);
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : NaN;
  return pid > 0 && pid !== process.pid && isStart(pid) ? pid : undefined;
}

/** A number may have gone to another program since. */
function isStart(pid: number): boolean {
  const file = `/proc/${pid}/cmdline`;
  return (
    existsSync(file) &&
    readFileSync(file, 'utf8')
      .split('\0')
      .some((word) => word.endsWith('tools/start.ts'))
  );
}

/** Ends what a start that was killed left running in these directories; answers how many there were. */
export async function endLeftovers(directories: readonly string[]): Promise<number> {
  const ended = await Promise.all(directories.map(endIn));
  return ended.filter(Boolean).length;
}

async function endIn(directory: string): Promise<boolean> {
  const file = pidFileIn(directory);
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8')) : NaN;
  const isOurs = pid > 0 && isService(pid, directory);
  if (isOurs) await end(pid, directory);
  rmSync(file, { force: true });
  return isOurs;
}

/** Asks, and insists after ten seconds. */
async function end(pid: number, directory: string): Promise<void> {
  process.kill(pid, 'SIGTERM');
  for (let waitedMs = 0; isService(pid, directory); waitedMs += 50) {
    if (waitedMs === 10_000) process.kill(pid, 'SIGKILL');
    await delay(50);
  }
}

function isService(pid: number, directory: string): boolean {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return environment.includes(`BERTH_SERVICE=${directory}`);
  } catch {
    return false; // it has ended, or is somebody else's
  }
}
