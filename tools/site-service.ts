import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { statusOf } from './http-status.ts';
import type { RunningCon } from './con-service.ts';
import type { Databases } from './database.ts';
import { mustRun } from './run.ts';
import { Service } from './service.ts';
import { root } from './sources.ts';

export type SiteOptions = Readonly<{
  directory: string;
  databases: Databases;
  hosts: readonly { name: string; con: Pick<RunningCon, 'url' | 'tokenFile'> }[];
  listenPort: number;
  env?: Readonly<Record<string, string>>;
}>;

export type RunningSite = Readonly<{
  service: Service;
  url: string;
  env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}>;

const main = resolve(root, 'apps/site/dist/main.js');

/** Brings the database up to date and starts site as it ships, with the dashboard. */
export async function startSite(options: SiteOptions): Promise<RunningSite> {
  mkdirSync(options.directory, { recursive: true });
  const url = `http://localhost:${options.listenPort}`;
  const env = {
    SITE_DATABASE_URL: options.databases.serving,
    SITE_DATABASE_OWNER_URL: options.databases.owner,
    SITE_LISTEN_PORT: String(options.listenPort),
    SITE_BASE_URL: url,
    SITE_DASHBOARD_DIRECTORY: resolve(root, 'apps/dashboard/dist/browser'),
    SITE_HOSTS: JSON.stringify(
      options.hosts.map(({ name, con }) => ({ name, url: con.url, tokenFile: con.tokenFile })),
    ),
    ...options.env,
  };
  await mustRun(process.execPath, ['--no-warnings', main, 'migrate'], { env });
  const service = await Service.start({
    name: 'site',
    args: [main],
    env,
    logFile: resolve(options.directory, 'site.log'),
    ready: async () => (await statusOf(`http://127.0.0.1:${options.listenPort}/api/health`)) === 200,
  });
  return { service, url, env, stop: () => service.stop() };
}

/** Makes an admin, or nothing where the address is taken; answers what the command printed, the password among it. */
export async function makeAdmin(site: Pick<RunningSite, 'env'>, email: string): Promise<string> {
  const { output } = await mustRun(process.execPath, ['--no-warnings', main, 'admin', email], { env: { ...site.env } });
  return output.trim();
}
