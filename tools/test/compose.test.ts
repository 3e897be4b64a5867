import { expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../sources.ts';

const compose = (...words: string[]): string =>
  execFileSync('docker-compose', ['-f', join(root, 'docker-compose.yml'), 'config', ...words], { encoding: 'utf8' });

it('docker-compose takes the file: PostgreSQL, con, and site once its database is up to date', () => {
  compose('--quiet');
  expect(compose('--services').trim().split('\n').sort()).toEqual(['con', 'migrate', 'postgres', 'site']);
  expect(compose('--volumes').trim().split('\n').sort()).toEqual(['con', 'con-run', 'postgres']);
});

it('every stage that it names is in the Dockerfile, and every file that it mounts is here', () => {
  const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
  const stages = [...readFileSync(join(root, 'Dockerfile'), 'utf8').matchAll(/ AS (\w+)$/gm)].map(([, name]) => name);
  for (const [, target] of text.matchAll(/target: (\w+)/g)) expect(stages).toContain(target);
  for (const [, path = ''] of text.matchAll(/- \.\/([^:]+):/g)) expect(existsSync(join(root, path))).toBe(true);
});
