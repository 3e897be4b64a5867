import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { conClient } from '@berth/con-protocol';
import { decodeAnswer, encodeCall } from '@berth/xmlrpc';
import { head, openDoors, post, token, wire, type Doors } from './doors.js';

const senderMs = 300;
const listing = { templates: [] };

describe('security L: XML-RPC itself', () => {
  let doors: Doors;

  beforeAll(async () => {
    doors = await openDoors({ 'templates.list': async () => listing }, { senderMs });
  });
  afterAll(() => doors.close());

  /** The daemon is unmoved: the next caller is served as ever. */
  const stillServes = async (): Promise<void> => {
    expect(await conClient({ url: doors.url, token })['templates.list']({})).toEqual(listing);
  };

  async function faultCode(body: string | Uint8Array<ArrayBuffer>): Promise<number | undefined> {
    const response = await post(doors.url, body);
    const answer = decodeAnswer(new Uint8Array(await response.arrayBuffer()));
    return answer.kind === 'fault' ? answer.faultCode : undefined;
  }

  const call = (inside: string): string =>
    `<methodCall><methodName>templates.list</methodName><params><param>${inside}</param></params></methodCall>`;

  it.each([
    [
      'ten thousand nested arrays',
      call(`${'<value><array><data>'.repeat(10_000)}${'</data></array></value>'.repeat(10_000)}`),
    ],
    ['a billion laughs', `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>${call('<value>&b;</value>')}`],
    [
      'an entity that reads a file',
      `<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>${call('<value>&a;</value>')}`,
    ],
    ['an entity that was never declared', call('<value>&a;</value>')],
    ['XML cut short', call('<value>').slice(0, -30)],
    ['nothing at all', ''],
    ['JSON', '{}'],
    ['bytes that are no UTF-8', new Uint8Array([0xff, 0xfe, 0x3c, 0x00])],
    ['zeros', new Uint8Array(1_000)],
    [
      'a member twice',
      call(
        '<value><struct><member><name>a</name><value/></member><member><name>a</name><value/></member></struct></value>',
      ),
    ],
    [
      'a member called __proto__',
      call('<value><struct><member><name>__proto__</name><value><struct/></value></member></struct></value>'),
    ],
    [
      'a member called constructor',
      call('<value><struct><member><name>constructor</name><value/></member></struct></value>'),
    ],
  ])('answers %s with a fault', async (_, body) => {
    expect(await faultCode(body)).toBe(400);
    await stillServes();
  });

  it.each([
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '__defineGetter__',
    'system.__proto__',
    'system.multicall',
    'system.exec',
    'templates',
    'templates.list.call',
    'templates.List',
    'host.info.constructor',
    '../../etc/passwd',
    'a'.repeat(255),
  ])('knows no method %s', async (method) => {
    expect([400, 404]).toContain(await faultCode(encodeCall(method, [])));
    await stillServes();
  });

  it('does not read a body that is announced with 100 MB', async () => {
    const { socket, ended } = wire(doors.port);
    socket.write(head(100_000_000));
    expect(await ended).toMatch(/^HTTP\/1\.1 413 /);
    await stillServes();
  });

  it('cuts a body of 100 MB that was not announced soon after the bound', async () => {
    const { socket, ended } = wire(doors.port);
    socket.write(
      `POST /RPC2 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    let sent = 0;
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const pour = (): void => {
      while (!socket.destroyed && sent < 100_000_000) {
        sent += 65_536;
        if (!socket.write(chunk)) return void socket.once('drain', pour);
      }
    };
    pour();
    await ended;
    expect(sent).toBeLessThan(20_000_000); // what lay in the buffers of both sides
    await stillServes();
  });

  it.each([
    ['says nothing', ''],
    ['stops within the headers', 'POST /RPC2 HTTP/1.1\r\nHost: a\r\n'],
    ['stops within the body', `${head(100)}<methodCall>`],
  ])('closes the connection of one who %s', async (_, bytes) => {
    const { socket, ended } = wire(doors.port);
    socket.write(bytes);
    await ended;
    await stillServes();
  });

  it.each([
    ['headers', `POST /RPC2 HTTP/1.1\r\nHost: a\r\nX: `],
    ['a body', head(1_000)],
  ])('closes the connection of one who sends %s a byte at a time', async (_, begin) => {
    const { socket, ended } = wire(doors.port);
    socket.write(begin);
    const drip = setInterval(() => socket.write('x'), 20);
    await ended;
    clearInterval(drip);
    await stillServes();
  });

  it.each([
    ['no token', {}],
    ['a wrong token', { Authorization: 'Bearer wrong' }],
    ['the token cut short', { Authorization: `Bearer ${token.slice(0, -1)}` }],
    ['the token as another scheme', { Authorization: `Digest ${token}` }],
    ['an empty password', { Authorization: `Basic ${Buffer.from('con:').toString('base64')}` }],
  ])('answers nobody with %s, on no path', async (_, headers) => {
    for (const [method, path] of [
      ['POST', '/RPC2'],
      ['GET', '/'],
      ['PUT', '/stream/x'],
      ['GET', '/stream/x'],
      ['OPTIONS', '/RPC2'],
    ] as const) {
      const { status } = await fetch(doors.url + path, { method, headers: headers as Record<string, string> });
      expect([path, status]).toEqual([path, 401]);
    }
  });

  it('lets one who asks too much wait, and the other door be open', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const greedy = await openDoors({ 'templates.list': () => gate.then(() => listing) }, { calls: 3 });
    const client = conClient({ url: greedy.url, token });
    const held = Promise.all([1, 2, 3].map(() => client['templates.list']({})));
    await expect(untilRefused(() => client['templates.get']({ name: 'a', version: '1' }))).resolves.toBe('too_many');
    const modest = conClient({ socketPath: greedy.socketPath });
    await expect(modest['templates.get']({ name: 'a', version: '1' })).rejects.toMatchObject({
      message: expect.stringContaining('nothing is behind'),
    });
    release();
    expect(await held).toHaveLength(3);
    await greedy.close();
  });

  it('has as many files open after 10,000 calls and 1,000 cut connections as before', async () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    const client = conClient({ url: doors.url, token });
    await client['templates.list']({});
    const before = open();
    for (let round = 0; round < 100; round++) {
      await Promise.all(Array.from({ length: 100 }, () => client['templates.list']({})));
      await Promise.all(Array.from({ length: 10 }, () => cut(doors.port, round)));
    }
    while (open() > before + 16) await new Promise((resolve) => setImmediate(resolve)); // 16 are kept by the client
    expect(open()).toBeLessThanOrEqual(before + 16);
    await stillServes();
  }, 180_000);
});

/** Goes away at one of three moments. */
async function cut(port: number, moment: number): Promise<void> {
  const { socket, ended } = wire(port);
  socket.write(['', head(1_000), `${head(1_000)}<methodCall>`][moment % 3] ?? '', () => socket.resetAndDestroy());
  await ended;
}

/** Asks again until the bound is felt; the calls that hold it are on their way. */
async function untilRefused(ask: () => Promise<unknown>): Promise<string> {
  for (;;) {
    const code = await ask().then(
      () => 'ok',
      (problem: { code: string }) => problem.code,
    );
    if (code !== 'unavailable') return code;
  }
}
