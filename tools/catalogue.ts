import type { ConClient } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mustRun } from './run.ts';
import { root } from './sources.ts';

export type CatalogueEntry = Readonly<{ name: string; version: string; confile: string; context: string }>;

/** The demo templates, as `catalogue/catalogue.json` lists them. */
export function catalogueEntries(): readonly CatalogueEntry[] {
  return JSON.parse(readFileSync(resolve(root, 'catalogue/catalogue.json'), 'utf8')) as CatalogueEntry[];
}

/** Builds a template through con's own command line, unless it is ready already. */
export async function ensureTemplate(
  con: { client: ConClient; socket: string },
  entry: CatalogueEntry,
  say: (line: string) => void,
): Promise<void> {
  const ready = await con.client['templates.get']({ name: entry.name, version: entry.version }).then(
    ({ template }) => template.state === 'ready',
    (error: unknown) => {
      if (error instanceof Problem && error.code === 'not_found') return false;
      throw error;
    },
  );
  if (ready) return;
  const following = new AbortController();
  const progress = follow(con.client, entry, say, following.signal);
  try {
    const args = [
      resolve(root, 'apps/con/dist/main.js'),
      'templates',
      'build',
      `${entry.name}:${entry.version}`,
      resolve(root, 'catalogue', entry.context),
      '-f',
      resolve(root, 'catalogue', entry.confile),
      '--socket',
      con.socket,
    ];
    await mustRun(process.execPath, args);
  } finally {
    following.abort();
    await progress;
  }
}

/** Says each line of the Confile as it begins. */
async function follow(
  client: ConClient,
  { name, version }: CatalogueEntry,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let said = 0;
  while (!signal.aborted) {
    const now = await client['templates.get']({ name, version }).catch(() => undefined);
    const running = now?.steps.find(({ state }) => state === 'running');
    if (now && running && running.line !== said) {
      said = running.line;
      say(`  ${name}:${version} line ${running.line}: ${running.text.split('\n')[0]!.slice(0, 90)}`);
    }
    await delay(200, undefined, { signal }).catch(() => undefined);
  }
}
