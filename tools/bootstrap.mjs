#!/usr/bin/env node
/**
 * The first step of every command: runs on whatever Node ≥ 18 the machine has, installs what the lock names, and hands
 * over to the Node that came with it. Plain JavaScript and only built-in modules, because nothing else is there yet.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [command, ...rest] = process.argv.slice(2);
const stamp = join(root, 'node_modules', '.berth-lock');

if (Number(process.versions.node.split('.')[0]) < 18) {
  console.error(`cannot run on Node ${process.versions.node}: Berth needs Node 18 or newer to install itself`);
  process.exit(1);
}

const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  console.log('Installing what package-lock.json names (npm ci), once …');
  const installed = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (installed.status !== 0) process.exit(installed.status ?? 1);
  writeFileSync(stamp, lock);
}

const own = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
const node = existsSync(own) ? own : process.execPath;
const built = command === 'test' ? [] : ['--import', pathToFileURL(join(root, 'tools', 'built.ts')).href];
const child = spawn(node, ['--no-warnings', ...built, join(root, 'tools', `${command}.ts`), ...rest], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, PATH: `${dirname(node)}:${join(root, 'node_modules', '.bin')}:${process.env.PATH}` },
});
// The terminal sends Ctrl-C to the whole group: the child decides when it is over, and this process waits for it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
// npm ends without telling what it started: whoever is left without a parent stops as if asked to.
const parent = process.ppid;
const watch = setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), 500);
watch.unref();
child.on('exit', (code, signal) => process.exit(signal ? 1 : code));
