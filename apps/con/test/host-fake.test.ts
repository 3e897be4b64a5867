import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { defaultLimits } from '@berth/container';
import { FakeHost } from '../src/host/fake/fake.js';
import { itKeepsTheContract } from './host-contract.js';

describe('a host that pretends', () => {
  itKeepsTheContract(async () => {
    const home = mkdtempSync(join(tmpdir(), 'con-fake-'));
    const host = new FakeHost({ home, appsHost: undefined });
    await host.prepare();
    await host.layers.base(1, 'bookworm', { log: () => undefined, signal: AbortSignal.timeout(1_000) });
    const leave = async (): Promise<void> => rmSync(home, { recursive: true });
    return { host, layer: 1, addressOf: (slot) => `10.77.0.${slot}`, leave };
  });

  it('remembers for the next daemon what runs, and since when', async () => {
    const home = mkdtempSync(join(tmpdir(), 'con-fake-'));
    const first = new FakeHost({ home, appsHost: undefined });
    const given = { hostname: 'a', range: 1, root: '/', address: '10.77.0.10', limits: defaultLimits, environment: {} };
    await first.net.open(10, '10.77.0.10', []);
    const life = await first.runtime.start(10, given);
    const second = new FakeHost({ home, appsHost: undefined });
    expect(await second.runtime.running()).toEqual([life]);
    expect([...(await second.net.traffic()).keys()]).toEqual(['10.77.0.10']);
    rmSync(home, { recursive: true });
  });

  it('has a login to show for each app, which opens nothing', async () => {
    const home = mkdtempSync(join(tmpdir(), 'con-fake-'));
    const { runtime, net } = new FakeHost({ home, appsHost: undefined });
    const given = { hostname: 'a', range: 1, root: '/', address: '10.77.0.10', limits: defaultLimits, environment: {} };
    await net.open(10, '10.77.0.10', []);
    await runtime.start(10, given);
    const { output } = runtime.exec(10, ['head', '-c', '4096', '/var/lib/berth/login']);
    expect(await text(output)).toBe('user=nobody\npassword=pretended-10\n');
    rmSync(home, { recursive: true });
  });
});
