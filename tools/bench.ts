/** `npm run bench -- NAME…`: prints each figure's median and p95 and keeps them as JSON; exit 1 beyond twice an aim. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { buildServers } from './build.ts';
import { isBad, print, reportOf, type Figure } from './bench/measure.ts';
import { root } from './sources.ts';

const benches: Readonly<Record<string, () => Promise<{ run(): Promise<readonly Figure[]> }>>> = {
  build: () => import('./bench/build.ts'),
  codec: () => import('./bench/codec.ts'),
  click: () => import('./bench/click.ts'),
  density: () => import('./bench/density.ts'),
  duplicate: () => import('./bench/duplicate.ts'),
  hostile: () => import('./bench/hostile.ts'),
  lifecycle: () => import('./bench/lifecycle.ts'),
  list: () => import('./bench/list.ts'),
  names: () => import('./bench/names.ts'),
};

const names = process.argv.slice(2);
if (names.length === 0 || names.some((name) => !Object.hasOwn(benches, name))) {
  console.error(`usage: npm run bench -- ${Object.keys(benches).join(' | ')}`);
  process.exit(2);
}

await buildServers(console.log);
let bad = false;
for (const name of names) {
  const report = reportOf(name, await (await benches[name]!()).run());
  print(report);
  const directory = resolve(root, 'bench-results');
  mkdirSync(directory, { recursive: true });
  writeFileSync(resolve(directory, `${name}.json`), JSON.stringify(report, undefined, 2));
  bad ||= report.figures.some(isBad);
}
process.exit(bad ? 1 : 0);
