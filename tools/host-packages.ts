import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { mustRun, run } from './run.ts';

/** What con needs on a host to run real containers. */
export const hostPackages = [
  'lxc',
  'uidmap',
  'debootstrap',
  'debian-archive-keyring',
  'nftables',
  'iproute2',
  'conntrack',
  'procps',
];

/** What the tests need beyond it: a browser, its fonts, readers of PDF, a foreign XML-RPC peer. */
export const testPackages = [
  'chromium',
  'fonts-dejavu-core',
  'poppler-utils',
  'qpdf',
  'curl',
  'python3',
  'docker-compose',
  'caddy',
  'btrfs-progs',
];

/** Whether packages can be installed here: Debian or one of its children, and root. */
export function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

export async function missingPackages(wanted: readonly string[]): Promise<readonly string[]> {
  const { output } = await run('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Abbrev}\n', ...wanted], {
    quiet: true,
  });
  const there = new Set(
    output
      .split('\n')
      .filter((line) => / ii\s*$/.test(line))
      .map((line) => line.split(' ')[0]),
  );
  return wanted.filter((name) => !there.has(name));
}

/** Installs what is missing, after saying so, and notes what is new on this host in `notes`, so that teardown can take it away again. */
export async function installPackages(
  wanted: readonly string[],
  notes: string,
  say: (line: string) => void,
): Promise<void> {
  const missing = await missingPackages(wanted);
  if (missing.length === 0) return;
  say(`Change to this host: installing ${missing.join(', ')} with apt-get`);
  const before = await installed();
  await mkdir(dirname(notes), { recursive: true });
  note(notes, missing); // before: an installation that is cut off has brought something, too
  try {
    await mustRun('apt-get', ['update', '-q'], { env: { LC_ALL: 'C' } });
    await mustRun('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...missing], {
      env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    });
  } finally {
    note(
      notes,
      [...(await installed())].filter((name) => !before.has(name)),
    );
  }
}

function note(notes: string, added: readonly string[]): void {
  writeFileSync(notes, JSON.stringify([...new Set([...notedPackages(notes), ...added])], undefined, 2));
}

/** The packages that Berth brought to this host. */
export function notedPackages(notes: string): readonly string[] {
  return existsSync(notes) ? (JSON.parse(readFileSync(notes, 'utf8')) as string[]) : [];
}

async function installed(): Promise<Set<string>> {
  const { output } = await mustRun('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Abbrev}\n']);
  return new Set(
    output
      .split('\n')
      .filter((line) => / ii\s*$/.test(line))
      .map((line) => line.split(' ')[0]!),
  );
}
