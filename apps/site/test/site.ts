import { readConfig, type Config } from '../src/config.js';
import { startSite, type Site } from '../src/site.js';
import { freshDatabase, type TestDatabase } from './database.js';

export type TestSite = Site & Readonly<{ db: TestDatabase; config: Config }>;

/** A whole site on port 0 with a database of its own. */
export async function testSite(
  environment: Readonly<Record<string, string>> = {},
  change: (config: Config) => Config = (config) => config,
): Promise<TestSite> {
  const db = await freshDatabase();
  const config = change(
    readConfig({
      SITE_DATABASE_URL: db.url,
      SITE_LISTEN_PORT: '0',
      SITE_LOG_LEVEL: 'error',
      SITE_THROTTLE: '{"signUpsPerAddress":10000}',
      ...environment,
    }),
  );
  const site = await startSite(config);
  return {
    ...site,
    db,
    config,
    close: async () => {
      await site.close();
      await db.drop();
    },
  };
}
