import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { unpackBinaries, type Binaries } from './binaries.ts';

const run = promisify(execFile);

/** The superuser of a cluster made here. */
const superuser = 'berth';

export type Cluster = Readonly<{
  /** Directory of the unix socket; there is no TCP listener. */
  socketDirectory: string;
  password: string;
  /** Whether it ran already and was taken over. */
  adopted: boolean;
  /** A connection string as libpq and node-postgres read it. */
  url(database: string, role?: string, password?: string): string;
  stop(): Promise<void>;
}>;

export type ClusterOptions = Readonly<{
  /** Holds data, password, log and socket; its path must be shorter than 80 bytes, because socket paths end at 107. */
  directory: string;
  /** Where to copy the server's programs. */
  binaries: string;
  /** False in tests: no fsync, because nobody minds losing their data. */
  durable?: boolean;
}>;

/** PostgreSQL refuses to run as root, so root lends it an ordinary user. */
type Identity = Readonly<{ uid: number; gid: number }> | undefined;

/** Starts PostgreSQL, making its data directory first where there is none; one that is up already is adopted. */
export async function startPostgres(options: ClusterOptions): Promise<Cluster> {
  if (Buffer.byteLength(options.directory) > 80)
    throw new Error(`cannot start PostgreSQL: ${options.directory} is too long for a socket's path`);
  const identity = ordinaryUser();
  const binaries = await unpackBinaries(options.binaries);
  const data = join(options.directory, `data-${binaries.version.split('.')[0]}`);
  await mkdir(options.directory, { recursive: true, mode: 0o755 });
  const password = await passwordOf(options.directory);
  await makeCluster(binaries, data, password, identity);
  const adopted = isUp(data);
  if (!adopted) await start(binaries, data, options, identity);
  return {
    socketDirectory: data,
    password,
    adopted,
    url: (database, role = superuser, secret = password) =>
      `postgresql://${role}:${encodeURIComponent(secret)}@/${database}?host=${encodeURIComponent(data)}&port=5432`,
    stop: async () => {
      if (isUp(data))
        await run(join(binaries.directory, 'pg_ctl'), ['stop', '-D', data, '-m', 'fast', '-w'], {
          ...identity,
          cwd: '/',
        });
    },
  };
}

async function makeCluster(binaries: Binaries, data: string, password: string, identity: Identity): Promise<void> {
  if (existsSync(data)) return;
  const half = `${data}.part`; // a kill in the middle of initdb leaves this name, and the next start begins anew
  await rm(half, { recursive: true, force: true });
  await mkdir(half, { mode: 0o700 });
  const passwordFile = `${data}.pw`;
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (identity) {
    await chown(half, identity.uid, identity.gid);
    await chown(passwordFile, identity.uid, identity.gid);
  }
  const options = [
    '-D',
    half,
    '-U',
    superuser,
    '-A',
    'scram-sha-256',
    `--pwfile=${passwordFile}`,
    '-E',
    'UTF8',
    '--locale=C',
    '--no-instructions',
  ];
  try {
    await run(join(binaries.directory, 'initdb'), options, { ...identity, cwd: '/' });
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(half, data);
}

async function start(binaries: Binaries, data: string, options: ClusterOptions, identity: Identity): Promise<void> {
  await rm(join(data, 'postmaster.pid'), { force: true });
  await rm(join(data, '.s.PGSQL.5432.lock'), { force: true });
  const settings = [
    "-c listen_addresses=''",
    `-c unix_socket_directories=${data}`,
    '-c unix_socket_permissions=0777',
    '-c max_connections=200',
  ];
  if (options.durable === false) settings.push('-c fsync=off', '-c synchronous_commit=off', '-c full_page_writes=off');
  const log = join(data, 'server.log');
  try {
    await run(join(binaries.directory, 'pg_ctl'), ['start', '-w', '-D', data, '-l', log, '-o', settings.join(' ')], {
      ...identity,
      cwd: '/',
    });
  } catch (cause) {
    throw new Error(
      `cannot start PostgreSQL; its log says:\n${readFileSync(log, 'utf8').split('\n').slice(-12).join('\n')}`,
      { cause },
    );
  }
}

/** Whether the pid file's process is really a postmaster: after a hard kill it may be a zombie or another program. */
function isUp(data: string): boolean {
  try {
    const pid = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0];
    const [, name, state] = /\((.*)\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return name === 'postgres' && state !== 'Z' && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(data);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ESRCH')
      return false;
    throw error;
  }
}

async function passwordOf(directory: string): Promise<string> {
  const file = join(directory, 'password');
  if (!existsSync(file)) await writeFile(file, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' });
  return (await readFile(file, 'utf8')).trim();
}

function ordinaryUser(): Identity {
  if (process.getuid?.() !== 0) return undefined;
  const nobody = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(([name]) => name === 'nobody');
  if (!nobody) throw new Error('cannot start PostgreSQL as root: there is no user "nobody" to run it as');
  return { uid: Number(nobody[2]), gid: Number(nobody[3]) };
}
