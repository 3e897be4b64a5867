import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { packContext } from '../src/cli/context.js';

it('What is sent for COPY leaves out what .conignore names, in the way of a .gitignore', async () => {
  const ignoring = mkdtempSync(join(tmpdir(), 'con-ignore-'));
  for (const name of ['keep/deep', 'node_modules', 'build']) mkdirSync(join(ignoring, name), { recursive: true });
  const files = ['keep/a.log', 'keep/deep/b.txt', 'keep/deep/b.log', 'keep/deep/stay.log', 'node_modules/x', 'build/x'];
  for (const name of files) writeFileSync(join(ignoring, name), name);
  writeFileSync(join(ignoring, '.conignore'), '# fetched anew\nnode_modules/\n/build\n*.log\n!stay.log\n');
  await using context = await packContext(ignoring, () => undefined);
  const tar = execFileSync('tar', ['--list', '--file', context.file], { encoding: 'utf8' });
  rmSync(ignoring, { recursive: true });
  const names = tar.trimEnd().split('\n');
  expect(names.map((name) => name.replace(/\/$/, ''))).toEqual([
    '.conignore',
    'keep',
    'keep/deep',
    'keep/deep/b.txt',
    'keep/deep/stay.log',
  ]);
});
