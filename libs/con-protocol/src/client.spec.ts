import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createPlain, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { encodeResult } from '@berth/xmlrpc';
import { conClient, Unreachable } from './index.js';

const open: { close(): void }[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** The address of a host that answers as a test wants. */
async function host(answer: RequestListener): Promise<string> {
  const server: Server = createServer(answer);
  open.push({ close: () => void server.close().closeAllConnections() });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const list = { templates: [] };
const bounds = { connectMs: 200, timeoutMs: 200, maxBytes: 2_000 };
const ask = (url: string, signal?: AbortSignal): Promise<unknown> =>
  conClient({ url, token: 't', ...bounds })['templates.list']({}, signal ? { signal } : {});

describe('the client of con', () => {
  it('asks with its token, and reads the answer by the schema', async () => {
    const url = await host((request, response) => {
      response.end(
        encodeResult({ templates: [], more: request.headers.authorization === 'Bearer t' ? 'of a later version' : 1 }),
      );
    });
    expect(await ask(url)).toEqual(list);
  });

  it.each<[string, RequestListener, RegExp]>([
    ['never answers', () => undefined, /no answer within 200 ms/],
    [
      'stops in the middle',
      (_, response) => void response.writeHead(200, { 'Content-Length': 100 }).write('<'),
      /no answer within 200 ms/,
    ],
    ['hangs up', (request) => void request.socket.destroy(), /the connection was cut/],
    ['answers without end', (_, response) => void response.write('x'.repeat(3_000)), /longer than 2000 bytes/],
    ['is no con', (_, response) => void response.end('<html>'), /cannot understand con/],
    ['speaks another protocol', (_, response) => void response.end(encodeResult({ templates: 1 })), /templates: /],
    ['is ill', (_, response) => void response.writeHead(502).end(), /HTTP 502/],
  ])('says `unavailable` of a host that %s', async (_, answer, message) => {
    await expect(ask(await host(answer))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(message),
    });
  });

  it('does not wait for one that drips a byte at a time', async () => {
    const url = await host((_, response) => {
      const drip = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(drip));
    });
    await expect(ask(url)).rejects.toThrow(/no answer within 200 ms/);
  });

  it('says that nothing listens', async () => {
    const free = createPlain().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    await expect(ask(`http://127.0.0.1:${port}`)).rejects.toBeInstanceOf(Unreachable);
    await expect(ask(`http://127.0.0.1:${port}`)).rejects.toThrow(/nothing listens there/);
    await expect(conClient({ socketPath: '/nowhere/con.sock' })['host.info']({})).rejects.toThrow(/no such socket/);
  });

  it('says `unauthenticated` where the token is not accepted', async () => {
    const url = await host((_, response) => void response.writeHead(401).end());
    await expect(ask(url)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('gives up when its caller does', async () => {
    await expect(ask(await host(() => undefined), AbortSignal.abort())).rejects.toThrow(/given up/);
  });

  it('asks again where a kept connection was closed under it', async () => {
    let served = 0;
    const url = await host((request, response) => {
      served += 1;
      if (served === 2) request.socket.resetAndDestroy();
      else response.end(encodeResult(list));
    });
    const con = conClient({ url, ...bounds });
    expect([await con['templates.list']({}), await con['templates.list']({})]).toEqual([list, list]);
    expect(served).toBe(3);
  });

  it('refuses params that the table does not know before it asks', async () => {
    const wrong = conClient({ url: 'http://127.0.0.1:1' })['containers.get']({ id: 7 } as never);
    await expect(wrong).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining('id') });
  });
});
