import { existsSync, readFileSync, statSync } from 'node:fs';

/** Where something is mounted now, as this process sees it. */
export function mountPoints(): ReadonlySet<string> {
  return new Set(
    readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => decoded(line.split(' ')[4] ?? '')),
  );
}

/** A mount of another file system shows another device than the directory it stands in. */
export function isMounted(path: string): boolean {
  return existsSync(path) && statSync(path).dev !== statSync(`${path}/..`).dev;
}

/** Mount points at or below a directory, the deepest first: the order to unmount them in. */
export function mountsBelow(directory: string): string[] {
  return [...mountPoints()]
    .filter((path) => path === directory || path.startsWith(`${directory}/`))
    .sort((a, b) => b.length - a.length);
}

/** The kernel writes blanks and backslashes as octal (proc_pid_mountinfo(5)). */
function decoded(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}
