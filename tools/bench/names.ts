import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import type { CaddyFront as Front } from '../../apps/con/src/host/linux/caddy.ts';
import { root } from '../sources.ts';
import { against, figure, spawnOfTrue, type Figure } from './measure.ts';

const many = 1_000;
const rounds = 40;

/** A change of one name among a thousand, through Caddy as con drives it, and until the new name answers with TLS. */
export async function run(): Promise<readonly Figure[]> {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/caddy')) {
    throw new Error('cannot measure names: it needs root, and Caddy: apt-get install caddy');
  }
  const { CaddyFront } = (await import(resolve(root, 'apps/con/dist/host/linux/caddy.js'))) as {
    CaddyFront: typeof Front;
  };
  const app = createServer((_request, response) => response.end('here')).listen(0, '127.0.0.1');
  await once(app, 'listening');
  const home = mkdtempSync(join('/run', 'berth-names-'));
  chmodSync(home, 0o711); // Caddy is not root
  const port = 30_000 + (process.pid % 10_000) * 2;
  const tls = { appsTls: 'internal', appsCertificate: undefined, appsCertificateKey: undefined } as const;
  const places = { home: `${home}/home`, runDirectory: `${home}/run` };
  const at = { appsDomain: 'apps.example.org', appsHttpPort: port, appsHttpsPort: port + 1 };
  const front = new CaddyFront({ ...tls, ...places, ...at });
  const facing = (n: number) => ({
    host: `n${n}.apps.example.org`,
    address: '127.0.0.1',
    port: (app.address() as AddressInfo).port,
  });
  const all = Array.from({ length: many }, (_, n) => facing(n));
  try {
    const base = spawnOfTrue();
    await front.show(all);
    const changed: number[] = [];
    const answered: number[] = [];
    for (let n = many; n < many + rounds; n++) {
      const started = performance.now();
      await front.show([...all, facing(n)]);
      changed.push(performance.now() - started);
      await mustAnswer(facing(n).host, port + 1);
      answered.push(performance.now() - started);
    }
    return [
      base,
      ...against(
        [
          figure(`change of one name among ${many}`, changed, { aim: 50 }),
          figure('until the new name answers with TLS', answered),
        ],
        base,
      ),
    ];
  } finally {
    await front.remove();
    app.close();
    rmSync(home, { recursive: true, force: true });
  }
}

function mustAnswer(host: string, port: number): Promise<void> {
  const options = { host: '127.0.0.1', port, servername: host, headers: { host }, agent: false };
  return new Promise((done, reject) => {
    get({ ...options, rejectUnauthorized: false }, (response) => {
      response.resume();
      if (response.statusCode === 200) response.on('end', () => done());
      else reject(new Error(`cannot go on: ${host} answered ${response.statusCode}`));
    }).on('error', reject);
  });
}
