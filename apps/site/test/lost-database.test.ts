import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readConfig } from '../src/config.js';
import { startSite, type Site } from '../src/site.js';
import { Browser } from './browser.js';
import { freshDatabase, type TestDatabase } from './database.js';
import { Line } from './line.js';

let db: TestDatabase;
let line: Line;
let site: Site;

beforeAll(async () => {
  db = await freshDatabase();
  const direct = new URL(db.url.replace('@/', '@127.0.0.1/'));
  line = await new Line(join(direct.searchParams.get('host')!, '.s.PGSQL.5432')).open();
  direct.search = '';
  direct.port = String(line.port);
  site = await startSite(
    readConfig({ SITE_DATABASE_URL: direct.href, SITE_LISTEN_PORT: '0', SITE_LOG_LEVEL: 'silent' }),
  );
}, 60_000);
afterAll(async () => {
  await site.close();
  await line.close();
  await db.drop();
});

it('while the database is away site says so, signs nobody out, and goes on by itself', async () => {
  const ada = await Browser.of(site.url, 'ada@example.org');
  expect((await ada.get('/api/containers')).status).toBe(200);
  await line.fall('refused');
  for (const path of ['/api/containers', '/api/billing', '/api/session', '/api/health']) {
    const answer = await ada.get(path);
    expect([path, answer.status]).toEqual([path, 503]);
    expect(await answer.json()).toMatchObject({ code: 'unavailable', type: 'urn:berth:problem:database-silent' });
  }
  await line.fall('well');
  expect((await ada.get('/api/containers')).status).toBe(200);
}, 30_000);
