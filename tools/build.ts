import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { mustRun } from './run.ts';
import { root, sourcePaths } from './sources.ts';

const stamps = resolve(root, 'node_modules/.cache/berth');

/** Builds what has changed since the last time; a second call with nothing changed takes milliseconds. */
export async function build(say: (line: string) => void): Promise<void> {
  await buildServers(say);
  await buildDashboard(say);
}

export async function buildServers(say: (line: string) => void): Promise<void> {
  await once(
    'server',
    /^(libs|apps\/(con|site))\/.*\.(ts|json)$|^tsconfig.*\.json$|^package-lock\.json$/,
    ['apps/con/dist/main.js', 'apps/site/dist/main.js'],
    async () => {
      say('Building con and site …');
      await mustRun('tsc', ['-b']);
    },
  );
}

async function buildDashboard(say: (line: string) => void): Promise<void> {
  await once(
    'dashboard',
    /^(libs|apps\/dashboard)\/.*\.(ts|html|scss|css|json|svg)$|^package-lock\.json$/,
    ['apps/dashboard/dist/browser/index.html'],
    async () => {
      say('Building the dashboard …');
      // What is done already is known here: nx's own memory of it may outlive the files it speaks of.
      await mustRun('nx', ['build', 'dashboard', '--skip-nx-cache'], { env: { NX_DAEMON: 'false' } });
    },
  );
}

async function once(
  name: string,
  pattern: RegExp,
  results: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  const stamp = resolve(stamps, `${name}.built`);
  const digest = digestOf(pattern);
  const done =
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === digest &&
    results.every((path) => existsSync(resolve(root, path)));
  if (done) return;
  await work();
  mkdirSync(stamps, { recursive: true });
  writeFileSync(stamp, digest);
}

/** Names, sizes and times are enough to see an edit, and a hundred times quicker than contents. */
function digestOf(pattern: RegExp): string {
  const hash = createHash('sha256');
  for (const path of sourcePaths(pattern)) {
    const { size, mtimeMs } = statSync(resolve(root, path));
    hash.update(`${path}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}
