import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import express from 'express';
import { pino, type Logger } from 'pino';
import type { Config } from './config.js';
import { Hosts } from './containers/hosts.js';
import { Visits } from './customers/visits.js';
import { requestIds, securityHeaders } from './http/border.js';
import { serveDocs } from './http/docs.js';
import { logged } from './http/logged.js';
import { servePages } from './http/pages.js';
import { SiteModule } from './site.module.js';
import { version } from './version.js';

export type Site = Readonly<{
  /** Where it listens: `http://127.0.0.1:8080`. */
  url: string;
  app: NestExpressApplication;
  /** Answers what it has begun, then closes. */
  close(): Promise<void>;
}>;

/** Wires and listens. No rules here. */
export async function startSite(config: Config): Promise<Site> {
  const log = pino({ level: config.logLevel, base: undefined });
  const border = express();
  const app = await NestFactory.create<NestExpressApplication>(SiteModule.of(config, log), new ExpressAdapter(border), {
    bodyParser: false,
    abortOnError: false,
    logger: false,
  });
  try {
    furnish(border, app, config, log);
    await app.init();
    void app.get(Hosts).look(); // so that the first page knows them; none is waited for
    const server = (await app.listen(config.listenPort, config.listenHost)) as Server;
    bound(server);
    return { url: urlOf(server), app, close: () => closed(app, server) };
  } catch (error) {
    await app.close();
    throw error;
  }
}

/** What every request passes before a route is looked for. */
function furnish(border: express.Express, app: NestExpressApplication, config: Config, log: Logger): void {
  border.disable('x-powered-by').set('trust proxy', config.trustedProxies).set('query parser', 'simple');
  border.use(requestIds, logged(log), securityHeaders(config.secureCookies));
  serveDocs(border, version);
  if (config.dashboardDirectory !== undefined) servePages(border, config.dashboardDirectory);
  border.use('/api', (_request, response, next) => {
    response.set('Cache-Control', 'private, no-cache');
    next();
  });
  border.use('/api', express.json({ limit: '64kb', type: 'application/json' }), app.get(Visits).recognise);
}

/** A sender of a byte a second is cut, and an idle connection is kept a little longer than a proxy keeps it. */
function bound(server: Server): void {
  server.headersTimeout = 15_000;
  server.requestTimeout = 30_000;
  server.keepAliveTimeout = 65_000;
  server.maxRequestsPerSocket = 10_000;
}

/** Longer nobody is waited for who does not read what was answered. */
const patienceMs = 5_000;

async function closed(app: NestExpressApplication, server: Server): Promise<void> {
  const over = AbortSignal.timeout(patienceMs);
  over.addEventListener('abort', () => server.closeAllConnections(), { once: true });
  await app.close();
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
