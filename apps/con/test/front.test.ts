import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, get as getPlain, type IncomingMessage, type Server } from 'node:http';
import { get } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { CaddyFront } from '../src/host/linux/caddy.js';
import { must } from '../src/host/linux/exec.js';
import type { Facing } from '../src/host/front.js';
import { eventually } from './house.js';
import { Ground } from './ground.js';
import { describeReal } from './real.js';

const http = 43_000 + (process.pid % 1_000) * 2;

describeReal(
  'names through Caddy',
  () => {
    const appsDomain = 'apps.example.org';
    const ground = new Ground({ appsTls: 'internal', appsHttpPort: `${http}`, appsHttpsPort: `${http + 1}` });
    const config = { ...ground.config, appsDomain };
    let front = new CaddyFront(config);
    let app: Server;
    let seen: IncomingMessage | undefined;

    beforeAll(async () => {
      app = createServer((request, response) => {
        seen = request;
        response.end(`asked for ${request.headers.host}`);
      }).listen(0, '127.0.0.1');
      await once(app, 'listening');
    });
    afterAll(async () => {
      app.close();
      await front.remove();
      await ground.leave();
    });

    const facing = (host: string, port = (app.address() as AddressInfo).port): Facing => ({
      host,
      address: '127.0.0.1',
      port,
    });
    const asked = (host: string): Promise<{ status?: number | undefined; text: string; names?: string | undefined }> =>
      new Promise((resolve) => {
        const options = { host: '127.0.0.1', port: http + 1, servername: host, headers: { host }, agent: false };
        get({ ...options, rejectUnauthorized: false }, (response) => {
          const names = (response.socket as TLSSocket).getPeerCertificate().subjectaltname;
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('end', () => resolve({ status: response.statusCode, text, names }));
        }).on('error', (error) => resolve({ text: error.message }));
      });

    it('answer with TLS for the containers that have them, from the change on', async () => {
      await front.show([]);
      // Caddy makes the wildcard's certificate once it is there; until then it ends the handshake.
      const first = await eventually(async () => {
        const answer = await asked('shop.apps.example.org');
        return answer.status === undefined ? undefined : answer;
      });
      expect(first).toMatchObject({ status: 404, names: 'DNS:*.apps.example.org' });
      await front.show([facing('shop.apps.example.org')]);
      expect(await asked('shop.apps.example.org')).toMatchObject({
        status: 200,
        text: 'asked for shop.apps.example.org',
      });
      expect(seen?.headers).toMatchObject({ 'x-forwarded-proto': 'https', 'x-forwarded-for': '127.0.0.1' });
      await front.show([facing('wiki.apps.example.org')]);
      expect((await asked('shop.apps.example.org')).status).toBe(404);
      expect((await asked('wiki.apps.example.org')).status).toBe(200);
    }, 30_000);

    it('of an app that does not run say so', async () => {
      await front.show([facing('shop.apps.example.org', 1)]);
      expect(await asked('shop.apps.example.org')).toMatchObject({
        status: 503,
        text: expect.stringContaining('does not answer'),
      });
    });

    it('have certificates only where they lead to a container, also domains of the owner’s', async () => {
      await front.show([facing('shop.example.com')]);
      expect(await asked('shop.example.com')).toMatchObject({ status: 200, names: 'DNS:shop.example.com' });
      const other = await asked('other.example.com');
      expect([other.status, other.names]).toEqual([undefined, undefined]);
      const data = await must(['find', `${config.home}/caddy/certificates`]);
      expect(data).toContain('shop.example.com');
      expect(data).not.toContain('other.example.com');
    }, 30_000);

    it('without TLS send on to it, and tell nobody which names there are', async () => {
      const [response] = (await once(
        getPlain({ host: '127.0.0.1', port: http, path: '/a?b=c', headers: { host: 'shop.example.com' } }),
        'response',
      )) as [IncomingMessage];
      response.resume();
      expect([response.statusCode, response.headers.location]).toEqual([
        308,
        `https://shop.example.com:${http + 1}/a?b=c`,
      ]);
    });

    it('go on answering when con ends, and the next con changes them', async () => {
      await front.show([facing('shop.apps.example.org')]);
      const pid = await pidOf(config.runDirectory);
      front = new CaddyFront(config);
      expect((await asked('shop.apps.example.org')).status).toBe(200);
      await front.show([facing('wiki.apps.example.org')]);
      expect((await asked('wiki.apps.example.org')).status).toBe(200);
      expect(await pidOf(config.runDirectory)).toBe(pid);
    }, 30_000);

    it('are served by an account that is not root and may do nothing but listen, and again after it was killed', async () => {
      const pid = await pidOf(config.runDirectory);
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).not.toBe('0');
      expect(/^CapBnd:\s+(\w+)/m.exec(status)?.[1]).toBe('0000000000000400'); // CAP_NET_BIND_SERVICE
      expect(/^CapEff:\s+(\w+)/m.exec(status)?.[1]).toBe('0000000000000400');
      expect(await front.hold()).toBe(false);
      process.kill(pid, 'SIGKILL');
      await eventually(() => (isGone(pid) ? true : undefined));
      expect(await front.hold()).toBe(true);
      expect((await asked('wiki.apps.example.org')).status).toBe(200);
    }, 30_000);

    it('that cannot be served are a reason in words', async () => {
      const second = new Ground({ appsTls: 'internal', appsHttpPort: `${http}`, appsHttpsPort: `${http + 1}` });
      const other = new CaddyFront({ ...second.config, appsDomain });
      await expect(other.show([])).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/^cannot serve names: .*address already in use/),
      });
      await other.remove();
      await second.leave();
    }, 30_000);
  },
  [['Caddy', () => existsSync('/usr/bin/caddy'), 'apt-get install caddy']],
);

async function pidOf(directory: string): Promise<number> {
  const found = await must(['pgrep', '-f', `caddy run --config ${directory}/caddy/config.json`]);
  return Number(found.trim().split('\n')[0]);
}

/** A child of ours that nobody has waited for yet is gone all the same. */
function isGone(pid: number): boolean {
  return !existsSync(`/proc/${pid}`) || /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}
