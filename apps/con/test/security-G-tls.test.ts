import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { conClient, putStream, webSocketTo, type Endpoint } from '@berth/con-protocol';
import { pino } from 'pino';
import { Readable } from 'node:stream';
import { WebSocket } from 'ws';
import { readConfig } from '../src/config.js';
import { startDaemon, type Daemon } from '../src/daemon.js';
import { readIdentity } from '../src/rpc/identity.js';

const home = mkdtempSync(join(tmpdir(), 'con-tls-'));
const flags = { driver: 'fake', home, runDirectory: home, listenHost: '0.0.0.0', listenPort: '0' };

describe('con beyond loopback', () => {
  let daemon: Daemon;
  let far: { url: string; token: string; pin: string };

  beforeAll(async () => {
    daemon = await startDaemon(readConfig(flags, {}), pino({ level: 'silent' }));
    far = await way();
  });
  afterAll(async () => {
    await daemon.close();
    rmSync(home, { recursive: true });
  });

  /** As an operator copies it: the pin from `con host info`, the token from its file. */
  async function way() {
    const { pin = '' } = await conClient({ socketPath: daemon.socketPath })['host.info']({});
    const token = readFileSync(join(home, 'token'), 'utf8').trim();
    return { url: `https://127.0.0.1:${daemon.port}`, token, pin };
  }

  it('is called, sent files and given commands by who pins its key', async () => {
    const con = conClient(far);
    const files = Buffer.alloc(1024); // an empty tar
    const { upload = '' } = await con['templates.build']({
      name: 'far',
      version: '1',
      confile: 'FROM debian:bookworm\nRUN true\n',
      contextBytes: 1024n,
    });
    await putStream(far, upload, 1024n, Readable.from([files]));
    await until(async () => (await con['templates.get']({ name: 'far', version: '1' })).template.state === 'ready');
    await con['containers.create']({ id: 'a', name: 'a', owner: 'o', template: { name: 'far', version: '1' } });
    const stateIs = async (state: string) => (await con['containers.get']({ id: 'a' })).container.state === state;
    await until(() => stateIs('stopped'));
    await con['containers.start']({ id: 'a' });
    await until(() => stateIs('running'));
    const { stream } = await con['containers.exec']({ id: 'a', argv: ['true'] });
    expect(await exitCode(far, stream)).toBe('{"exitCode":0}');
  });

  it('is told the token by nobody before its key was seen: one in the middle hears nothing', async () => {
    let heard = '';
    const own = await readIdentity(join(home, 'other.pem'));
    const middle = createServer({ key: own.key, cert: own.cert }, (socket: TLSSocket) => {
      socket.on('data', (data) => (heard += data.toString()));
      socket.on('error', () => undefined); // it is hung up on
    });
    await new Promise<void>((resolve) => middle.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(middle.address() as AddressInfo).port}`;
    const refusal = { message: expect.stringMatching(/another key than the pinned one/) };
    await expect(conClient({ ...far, url })['host.info']({})).rejects.toMatchObject(refusal);
    await expect(putStream({ ...far, url }, '/stream/x', 1n, Readable.from(['x']))).rejects.toMatchObject(refusal);
    await expect(exitCode({ ...far, url }, '/stream/x')).rejects.toMatchObject(refusal);
    middle.close();
    expect(heard).toBe('');
  });

  it('answers nothing in the clear, by an older TLS or without the token', async () => {
    const plain = new Promise((resolve, reject) => {
      request({ port: daemon.port, host: '127.0.0.1', path: '/RPC2' }, resolve).on('error', reject).end();
    });
    await expect(plain).rejects.toMatchObject({ code: 'ECONNRESET' });
    const older = new Promise((resolve, reject) => {
      connect({ port: daemon.port, host: '127.0.0.1', maxVersion: 'TLSv1.2', rejectUnauthorized: false }, () =>
        resolve('connected'),
      ).on('error', reject);
    });
    await expect(older).rejects.toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
    await expect(conClient({ ...far, token: 'wrong' })['host.info']({})).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });

  it('keeps its key over a restart, and refuses one that others may read', async () => {
    await daemon.close();
    chmodSync(join(home, 'tls.pem'), 0o640);
    const again = (): Promise<Daemon> => startDaemon(readConfig(flags, {}), pino({ level: 'silent' }));
    await expect(again()).rejects.toThrow(/others may read it/);
    chmodSync(join(home, 'tls.pem'), 0o600);
    daemon = await again();
    expect((await way()).pin).toBe(far.pin);
  });
});

/** How the command behind a one-time path ended, as it is told. */
function exitCode(endpoint: Endpoint, path: string): Promise<string> {
  const { address, ...more } = webSocketTo(endpoint, path);
  const socket = new WebSocket(address, more);
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => socket.send(Buffer.alloc(0), { binary: true }));
    socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) resolve(data.toString());
    });
  });
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20));
}
