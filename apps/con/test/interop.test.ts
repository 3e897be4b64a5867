import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { methods, type ConClient } from '@berth/con-protocol';
import { startFakeCon, type FakeCon } from './fake-con.js';

const beyond = 2n ** 31n;

type Sample = Record<string, string>;

describe('con and the clients of others', () => {
  let con: FakeCon;

  beforeAll(async () => {
    con = await startFakeCon();
  });
  afterAll(() => con.stop());

  it('is driven by Python with its defaults, from a Confile to a running container and its usage', async () => {
    const url = con.url.replace('//', `//con:${con.token}@`);
    const script = fileURLToPath(new URL('./peers/journey.py', import.meta.url));
    const { stdout } = await promisify(execFile)('python3', [script, url]);
    const read = JSON.parse(stdout);
    expect(read.missing).toEqual([404, expect.stringMatching(/^cannot /)]);
    expect(read.running).toMatchObject({ state: 'running', limits: { memoryBytes: String(3n * 2n ** 30n) } });
    expect(read.methods).toEqual(expect.arrayContaining(Object.keys(methods)));
    expect(read.help).toBe(methods['containers.start'].help);
    expect(read.info.driver).toBe('fake');
    await mustReadBeyond(con.client, async () => JSON.parse(await pythonUsage(url)) as Sample[], 'by-python');
  }, 180_000);

  it('is driven by npm xmlrpc, from a Confile to a running container and its usage', async () => {
    const call = npmClient(con);
    const template = { name: 'npm', version: '1' };
    await call('templates.build', { ...template, confile: 'FROM debian:bookworm\nRUN true\nEXPOSE 80\n' });
    await until('ready', async () => (await call('templates.get', template))['template'] as Stated);
    await call('containers.create', { id: 'by-npm', name: 'by-npm', owner: 'n', template });
    const container = async (): Promise<Stated> =>
      (await call('containers.get', { id: 'by-npm' }))['container'] as Stated;
    await until('stopped', container);
    await call('containers.start', { id: 'by-npm' });
    await until('running', container);
    await expect(call('containers.get', { id: 'none' })).rejects.toMatchObject({ faultCode: 404 });
    await mustReadBeyond(con.client, async () => (await call('usage.read', {}))['samples'] as Sample[], 'by-npm');
  }, 180_000);

  it('refuses numbers beyond what it can count to, and tags that are no single visible word', async () => {
    const call = npmClient(con);
    const refused = { faultCode: 400 };
    await expect(call('usage.read', { after: String(2n ** 63n) })).rejects.toMatchObject(refused);
    await expect(call('usage.read', { after: '-1' })).rejects.toMatchObject(refused);
    const log = { name: 'npm', version: '1', line: 1, offset: '9'.repeat(30) };
    await expect(call('templates.log', log)).rejects.toMatchObject(refused);
    const order = { id: 'tagged', name: 'tagged', owner: 'n', template: { name: 'npm', version: '1' } };
    for (const tariffTag of ['two\nlines', 'a b', '\u009b31m', '']) {
      await expect(call('containers.create', { ...order, tariffTag })).rejects.toMatchObject(refused);
    }
    const limits = { memoryBytes: '9'.repeat(30), cpuMillis: 500, pids: 64 };
    await expect(call('containers.create', { ...order, limits })).rejects.toMatchObject(refused);
  });

  it('warns of a caller whose clock is an hour behind, and of nobody whose clock is right', async () => {
    const skews = async () =>
      (await con.client['host.info']({})).warnings.filter(({ what }) => what.includes('clock of a caller'));
    expect(await skews()).toEqual([]);
    const answer = await fetch(`${con.url}/RPC2`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${con.token}`, Date: new Date(Date.now() - 3_600_000).toUTCString() },
      body: '<methodCall><methodName>host.info</methodName><params/></methodCall>',
    });
    expect(answer.status).toBe(200);
    expect(await skews()).toMatchObject([{ what: expect.stringMatching(/is 36\d\d s behind ours$/) }]);
  });
});

/** What a peer reads of the journal is what our own client reads, numbers beyond 32 bits among it. */
async function mustReadBeyond(client: ConClient, read: () => Promise<Sample[]>, container: string): Promise<void> {
  const large = (one: { cpuTotalNanos: bigint | string; memoryByteSeconds: bigint | string }): boolean =>
    BigInt(one.cpuTotalNanos) > beyond || BigInt(one.memoryByteSeconds) > beyond;
  let ours = (await client['usage.read']({ cut: true })).samples;
  while (!ours.some((one) => one.container === container && large(one))) {
    await sleep(200);
    ours = (await client['usage.read']({ cut: true })).samples;
  }
  const theirs = new Map((await read()).map((one) => [one['seq'], one]));
  for (const sample of ours) {
    expect(theirs.get(String(sample.seq))).toMatchObject({
      cpuTotalNanos: String(sample.cpuTotalNanos),
      memoryByteSeconds: String(sample.memoryByteSeconds),
    });
  }
}

const usageScript =
  'import json,sys,xmlrpc.client as x; print(json.dumps(x.ServerProxy(sys.argv[1]).usage.read()["samples"]))';

async function pythonUsage(url: string): Promise<string> {
  const { stdout } = await promisify(execFile)('python3', ['-c', usageScript, url], { maxBuffer: 2 ** 26 });
  return stdout;
}

type Stated = Readonly<{ state: string; reason?: string }>;
type NpmClient = {
  methodCall(method: string, params: unknown[], done: (error: unknown, value: unknown) => void): void;
};

function npmClient({ url, token }: FakeCon): (method: string, params: object) => Promise<Record<string, unknown>> {
  const { createClient } = createRequire(import.meta.url)('xmlrpc') as { createClient(options: object): NpmClient };
  const client = createClient({ url: `${url}/RPC2`, basic_auth: { user: 'con', pass: token } });
  return (method, params) =>
    new Promise((resolve, reject) => {
      client.methodCall(method, [params], (error, value) =>
        error ? reject(error as Error) : resolve(value as Record<string, unknown>),
      );
    });
}

async function until(state: string, read: () => Promise<Stated>): Promise<void> {
  for (let found = await read(); found.state !== state; found = await read()) {
    if (found.state === 'failed') throw new Error(`failed: ${found.reason}`);
    await sleep(20);
  }
}
