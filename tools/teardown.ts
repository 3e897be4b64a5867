/** `npm run teardown`: takes back every change that `npm start` made to this host, containers and data included. */
import { conClient } from '@berth/con-protocol';
import { existsSync, rmSync, rmdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { driverHere } from './driver.ts';
import { notedPackages } from './host-packages.ts';
import { installation } from './installation.ts';
import { startPostgres } from './postgres/cluster.ts';
import { mustRun } from './run.ts';
import { root } from './sources.ts';
import { sweepHost } from './sweep.ts';

const say = (line: string): void => console.log(line);
const { state, packages, postgres, con } = installation((await driverHere()).driver);

if (!existsSync(state)) {
  say(`Nothing to take back: ${state} is not there.`);
  process.exit(0);
}
const client = conClient({ socketPath: resolve(con.runDirectory, 'con.sock'), timeoutMs: 1_000 });
const isUp = await client['host.info']({}).then(
  () => true,
  () => false,
);
if (isUp) {
  console.error('cannot tear down: Berth is running; stop it first (Ctrl-C in its terminal)');
  process.exit(1);
}

if (existsSync(postgres)) {
  say('Stopping PostgreSQL');
  await (await startPostgres({ directory: postgres, binaries: state })).stop();
}
if (con.driver === 'linux' && existsSync(con.home)) {
  say('Ending containers, removing rules, interfaces and mounts');
  await undoHost();
  await sweepHost(con);
}
const brought = notedPackages(packages);
if (brought.length > 0) {
  say(`Removing the packages that were not there before: ${brought.join(', ')}`);
  await mustRun('apt-get', ['purge', '-q', '-y', ...brought], { env: { DEBIAN_FRONTEND: 'noninteractive' } });
}
say(`Removing ${state}`);
rmSync(state, { recursive: true, force: true });
if (existsSync('/run/berth')) rmdirSync('/run/berth');
say('This host is as it was.');

/** con itself knows what it changed, and what stood there before. */
async function undoHost(): Promise<void> {
  const { readConfig } = (await import(
    resolve(root, 'apps/con/dist/config.js')
  )) as typeof import('../apps/con/src/config.ts');
  const { LinuxHost } = (await import(
    resolve(root, 'apps/con/dist/host/linux/linux.js')
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
