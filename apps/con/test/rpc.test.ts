import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { conClient, faultCodes, methods, type ConClient } from '@berth/con-protocol';
import { Problem, problemCodes, type ProblemCode } from '@berth/problem';
import { decodeAnswer, encodeCall, type Value } from '@berth/xmlrpc';
import { readToken } from '../src/rpc/token.js';
import { openDoors, post, token, type Doors } from './doors.js';

const usage = {
  instance: 'i',
  samples: [],
  next: 2n ** 40n,
  completeUntil: '2026-01-01T00:00:00Z',
  observedAt: '2026-01-01T00:00:00Z',
};

describe('con by XML-RPC', () => {
  let doors: Doors;
  let con: ConClient;
  let seen: unknown;

  beforeAll(async () => {
    doors = await openDoors({
      'usage.read': async (params) => {
        seen = params;
        return usage;
      },
      'templates.get': async ({ name }) => {
        if (name === 'broken') throw new TypeError('the secret of a table');
        throw new Problem(name as ProblemCode, `cannot get it: ${name}`);
      },
    });
    con = conClient({ url: doors.url, token });
  });
  afterAll(() => doors.close());

  async function ask(method: string, ...params: Value[]) {
    const response = await post(doors.url, encodeCall(method, params));
    return decodeAnswer(new Uint8Array(await response.arrayBuffer()));
  }

  it('carries numbers beyond 32 bits both ways as decimal strings', async () => {
    expect(await con['usage.read']({ after: 2n ** 63n - 1n, cut: true })).toEqual(usage);
    expect(seen).toEqual({ after: 2n ** 63n - 1n, cut: true });
    expect(await ask('usage.read', {})).toMatchObject({ kind: 'result', value: { next: '1099511627776' } });
  });

  it('answers on its unix socket without a token, which root alone may open', async () => {
    const local = conClient({ socketPath: doors.socketPath });
    expect(await local['usage.read']({})).toEqual(usage);
    expect(statSync(doors.socketPath).mode & 0o777).toBe(0o600);
  });

  it('takes a method whose struct may be empty without any', async () => {
    expect(await ask('usage.read')).toMatchObject({ kind: 'result' });
  });

  it.each(problemCodes.filter((code) => code !== 'internal'))(
    'carries a Problem %s to our client and to others',
    async (code) => {
      const message = `cannot get it: ${code}`;
      await expect(con['templates.get']({ name: code, version: '1' })).rejects.toMatchObject({ code, message });
      expect(await ask('templates.get', { name: code, version: '1' })).toEqual({
        kind: 'fault',
        faultCode: faultCodes[code],
        faultString: message,
      });
    },
  );

  it('tells nothing of what broke inside but a number, under which the log has it once', async () => {
    const answer = await ask('templates.get', { name: 'broken', version: '1' });
    if (answer.kind !== 'fault') throw new Error('it must fail');
    expect(answer.faultCode).toBe(500);
    expect(answer.faultString).not.toContain('secret');
    const logged = doors.lines.filter((line) => line['level'] === 50);
    expect(logged).toEqual([
      expect.objectContaining({
        method: 'templates.get',
        err: expect.objectContaining({ message: 'the secret of a table' }),
      }),
    ]);
    expect(answer.faultString).toContain(String(logged[0]?.['requestId']));
  });

  it.each<[string, Value[], string]>([
    ['containers.start', [], 'id'],
    ['containers.start', [{ id: 7 }], 'id'],
    ['containers.start', [{ id: 'a', path: '/etc' }], 'path'],
    ['containers.exec', [{ id: 'a', argv: ['ls', 1] }], 'argv.1'],
    ['usage.read', [{ after: '1e3' }], 'after'],
    ['usage.read', ['text'], 'params'],
    ['usage.read', [[1]], 'params'],
  ])('refuses %s of %j and says where', async (method, params, where) => {
    const answer = await ask(method, ...params);
    expect(answer).toMatchObject({ kind: 'fault', faultCode: 400, faultString: expect.stringContaining(where) });
  });

  it('refuses two params', async () => {
    expect(await ask('usage.read', {}, {})).toMatchObject({ kind: 'fault', faultCode: 400 });
  });

  it('lists its methods, helps with each and tells its signatures', async () => {
    const names = Object.keys(methods);
    expect(await ask('system.listMethods')).toMatchObject({
      value: expect.arrayContaining([...names, 'system.methodHelp']),
    });
    expect(await ask('system.methodHelp', 'usage.read')).toMatchObject({ value: methods['usage.read'].help });
    expect(await ask('system.methodSignature', 'usage.read')).toMatchObject({
      value: [['struct'], ['struct', 'struct']],
    });
    expect(await ask('system.methodSignature', 'containers.get')).toMatchObject({ value: [['struct', 'struct']] });
    expect(await ask('system.methodSignature', 'system.methodHelp')).toMatchObject({ value: [['string', 'string']] });
    expect(await ask('system.methodHelp', '__proto__')).toMatchObject({ kind: 'fault', faultCode: 404 });
  });

  it('answers Basic of user con, and whatever the content type says', async () => {
    const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;
    const call = encodeCall('usage.read', []);
    const right = await post(doors.url, call, {
      Authorization: basic(`con:${token}`),
      'Content-Type': 'application/json',
    });
    expect(right.status).toBe(200);
    expect((await post(doors.url, call, { Authorization: basic(`root:${token}`) })).status).toBe(401);
  });

  it('writes one line for each call, and the token never', async () => {
    doors.lines.length = 0;
    await ask('usage.read');
    await ask('nothing.here');
    expect(doors.lines).toEqual([
      expect.objectContaining({
        level: 20,
        method: 'usage.read',
        outcome: 'ok',
        ms: expect.any(Number),
        from: 'loopback',
      }),
      expect.objectContaining({ level: 30, method: 'nothing.here', outcome: 'not_found' }),
    ]);
    expect(JSON.stringify(doors.lines)).not.toContain(token);
  });

  it('does not start over a con that lives', async () => {
    await expect(openDoorsAt(doors.socketPath)).rejects.toMatchObject({ code: 'conflict' });
  });
});

async function openDoorsAt(socketPath: string): Promise<unknown> {
  const { startServers } = await import('../src/rpc/servers.js');
  const { Tickets } = await import('../src/streams/tickets.js');
  const { pino } = await import('pino');
  return startServers({
    handlers: {} as never,
    tickets: new Tickets(),
    socketPath,
    host: '127.0.0.1',
    port: 0,
    token,
    log: pino({ level: 'silent' }),
  });
}

describe('the token of loopback', () => {
  const home = mkdtempSync(join(tmpdir(), 'con-token-'));
  const path = join(home, 'token');
  afterAll(() => rmSync(home, { recursive: true }));

  it('is made at the first start, for its owner alone, and stays', () => {
    const made = readToken(path);
    expect(made).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readToken(path)).toBe(made);
    expect(readFileSync(path, 'utf8')).toBe(`${made}\n`);
  });

  it('is refused where others may read it, and where it is short', () => {
    chmodSync(path, 0o640);
    expect(() => readToken(path)).toThrow(/others may read it/);
    chmodSync(path, 0o600);
    writeFileSync(path, 'secret\n');
    expect(() => readToken(path)).toThrow(/fewer than 32/);
  });

  it('is not made where there is no directory', () => {
    expect(() => readToken(join(home, 'none', 'token'))).toThrow(/^cannot make the token file/);
  });
});
