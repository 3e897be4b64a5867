import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { defaultLimits } from '@berth/container';
import type { Host } from '../src/host/host.js';
import type { Forwarding } from '../src/host/net.js';
import type { Running, Slot } from '../src/host/runtime.js';

const GiB = 1024n ** 3n;

export type Ready = Readonly<{
  host: Host;
  /** A sealed layer that a container can start from. */
  layer: number;
  addressOf: (slot: Slot) => string;
  leave: () => Promise<void>;
}>;

/** What every host must do, told through its four interfaces alone: con's rules are tested on the fake one because of this. */
export function itKeepsTheContract(enter: () => Promise<Ready>): void {
  let ready: Ready;
  const slot = 21;
  const range = 1;

  beforeAll(async () => {
    ready = await enter();
  }, 20 * 60_000);
  afterAll(() => ready.leave(), 60_000);

  const forward = (): Forwarding => ({ protocol: 'tcp', hostPort: 29_321, address: ready.addressOf(slot), port: 80 });

  const begin = async (): Promise<Running> => {
    const { layers, net, runtime } = ready.host;
    await layers.createVolume(slot, range, GiB);
    const root = await layers.mount(slot, range, [ready.layer]);
    await net.open(slot, ready.addressOf(slot), [forward()]);
    const given = { range, root, address: ready.addressOf(slot), limits: defaultLimits, environment: {} };
    return runtime.start(slot, { hostname: 'contract', ...given });
  };
  const end = async (): Promise<void> => {
    const { layers, net, runtime } = ready.host;
    await runtime.stop(slot, { timeoutMs: 0 });
    await net.close(slot, ready.addressOf(slot), [forward()]);
    await layers.unmount(slot);
  };

  it('what it is asked twice it does once', async () => {
    const { runtime, layers } = ready.host;
    const first = await begin();
    expect(await begin()).toEqual(first);
    expect(await runtime.running()).toEqual([first]);
    expect(first).toMatchObject({ slot, frozen: false });
    await end();
    await end();
    expect(await runtime.running()).toEqual([]);
    expect(await layers.volumes()).toContain(slot);
    await layers.removeVolume(slot);
    await layers.removeVolume(slot);
    expect(await layers.volumes()).not.toContain(slot);
  }, 60_000);

  it('a moment is kept once, restored while unmounted, and gone with its volume', async () => {
    const { layers } = ready.host;
    let halts = 0;
    const still = <T>(act: () => Promise<T>): Promise<T> => {
      halts += 1;
      return act();
    };
    await layers.createVolume(slot, range, GiB);
    await layers.keepMoment(slot, 1, still);
    await layers.keepMoment(slot, 1, still);
    expect([halts, await layers.moments()]).toEqual([1, [{ slot, moment: 1 }]]);
    await layers.restoreMoment(slot, 1);
    await expect(layers.restoreMoment(slot, 2)).rejects.toMatchObject({ code: 'not_found' });
    await layers.duplicateVolume(slot, 22, still, 1);
    expect(await layers.volumes()).toEqual(expect.arrayContaining([slot, 22]));
    await layers.writeRecord(slot, 'record');
    expect(await layers.records()).toEqual(new Map([[slot, 'record']]));
    for (const each of [slot, 22]) await layers.removeVolume(each);
    expect(await layers.moments()).toEqual([]);
  }, 60_000);

  it('counters begin with a life and never fall within it', async () => {
    const { meter, net } = ready.host;
    await begin();
    const before = { cpu: meter.read([slot]).get(slot)!, traffic: (await net.traffic()).get(ready.addressOf(slot))! };
    const after = { cpu: meter.read([slot]).get(slot)!, traffic: (await net.traffic()).get(ready.addressOf(slot))! };
    expect(after.cpu.cpuNanos).toBeGreaterThanOrEqual(before.cpu.cpuNanos);
    expect(after.traffic.bytesIn).toBeGreaterThanOrEqual(before.traffic.bytesIn);
    expect(after.traffic.bytesOut).toBeGreaterThanOrEqual(before.traffic.bytesOut);
    await end();
    expect(meter.read([slot, 22]).size).toBe(0);
    expect((await net.traffic()).has(ready.addressOf(slot))).toBe(false);
  }, 60_000);

  it('traffic can still be read after a container has stopped, until its address is closed', async () => {
    const { runtime, net } = ready.host;
    await begin();
    await runtime.stop(slot, { timeoutMs: 0 });
    expect((await net.traffic()).has(ready.addressOf(slot))).toBe(true);
    await end();
  }, 60_000);

  it('sync keeps the counters of addresses that stay, and takes away what is not wanted', async () => {
    const { net } = ready.host;
    await begin();
    const address = ready.addressOf(slot);
    const before = (await net.traffic()).get(address)!;
    await net.open(22, ready.addressOf(22), []);
    await net.sync({ addresses: [{ slot, address }], forwards: [forward()] });
    const traffic = await net.traffic();
    expect([...traffic.keys()]).toEqual([address]);
    expect(traffic.get(address)!.bytesOut).toBeGreaterThanOrEqual(before.bytesOut);
    await end();
  }, 60_000);

  it('the end of a container is told', async () => {
    const { runtime } = ready.host;
    await begin();
    const ended = new Promise<Slot>((resolve) => {
      const forget = runtime.watch((which) => {
        forget();
        resolve(which);
      });
    });
    await runtime.stop(slot, { timeoutMs: 0 });
    expect(await ended).toBe(slot);
    await end();
  }, 60_000);

  it('what is frozen stands still until it is thawed, and can be stopped meanwhile', async () => {
    const { runtime } = ready.host;
    await expect(runtime.freeze(slot)).rejects.toThrow('it is not running');
    await begin();
    await runtime.freeze(slot);
    await runtime.freeze(slot);
    expect(await runtime.running()).toMatchObject([{ slot, frozen: true }]);
    await runtime.thaw(slot);
    expect(await runtime.running()).toMatchObject([{ slot, frozen: false }]);
    await runtime.freeze(slot);
    await end();
    expect(await runtime.running()).toEqual([]);
  }, 60_000);

  it('takes other limits while it runs, but no memory below what is in use', async () => {
    const { runtime } = ready.host;
    await begin();
    const more = { ...defaultLimits, memoryBytes: 2n * defaultLimits.memoryBytes, cpuMillis: 1500, pids: 300 };
    await runtime.limit(slot, more);
    await runtime.limit(slot, { ...more, memoryBytes: defaultLimits.memoryBytes });
    await expect(runtime.limit(slot, { ...more, memoryBytes: 65_536n })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/^cannot lower the memory so far: more is in use; \d+ MiB are the least/),
    });
    await end();
  }, 60_000);

  it('a command needs a running container, and answers with its exit code', async () => {
    const { runtime } = ready.host;
    expect(() => runtime.exec(slot, ['sh', '-c', 'exit 3'])).toThrow('it is not running');
    await begin();
    const session = runtime.exec(slot, ['sh', '-c', 'exit 3']);
    session.input.end();
    session.output.resume();
    session.errors.resume();
    expect(await session.exit).toBe(3);
    await end();
  }, 60_000);

  it('a command beside a container needs nothing that runs there, sees its files, and answers with its exit code', async () => {
    const { layers, runtime } = ready.host;
    await layers.createVolume(slot, range, GiB);
    const root = await layers.mount(slot, range, [ready.layer]);
    const heard: Buffer[] = [];
    const log = (chunk: Buffer): void => void heard.push(chunk);
    const given = { slot, range, root, log, signal: AbortSignal.timeout(60_000) };
    expect(await runtime.aside({ ...given, argv: ['/bin/sh', '-c', 'echo said; exit 4'] })).toBe(4);
    expect(Buffer.concat(heard).toString()).toContain('said');
    await end();
    await begin();
    expect(await runtime.aside({ ...given, argv: ['/bin/sh', '-c', 'exit 0'] })).toBe(0);
    expect(await runtime.running()).toMatchObject([{ slot }]);
    await end();
  }, 60_000);

  it('what runs is not cleared away', async () => {
    const { runtime } = ready.host;
    await begin();
    await expect(runtime.clear(slot)).rejects.toThrow(`cannot clear away container ${slot}: it is running`);
    await end();
    await runtime.clear(slot);
  }, 60_000);

  it('a line writes a layer of its own, ends with its exit code, and is gone when it is removed', async () => {
    const { layers, runtime } = ready.host;
    const layer = 31;
    const root = await layers.open(layer, [ready.layer]);
    const heard: Buffer[] = [];
    const log = (chunk: Buffer): void => void heard.push(chunk);
    const line = {
      layer,
      root,
      workdir: '/',
      environment: {},
      network: false,
      log,
      signal: AbortSignal.timeout(60_000),
    };
    expect(await runtime.line({ ...line, argv: ['/bin/sh', '-c', 'echo said'] })).toBe(0);
    expect(Buffer.concat(heard).toString()).toContain('said');
    expect(await runtime.line({ ...line, argv: ['/bin/sh', '-c', 'exit 7'] })).toBe(7);
    expect((await layers.seal(layer)).bytes).toBeGreaterThanOrEqual(0n);
    expect(await layers.layers()).toEqual(expect.arrayContaining([ready.layer, layer]));
    await layers.removeLayer(layer);
    await layers.removeLayer(layer);
    expect(await layers.layers()).not.toContain(layer);
  }, 60_000);

  it('space, memory and cores are told', async () => {
    const { bytes, freeBytes } = await ready.host.layers.space();
    expect(freeBytes <= bytes && bytes > 0n).toBe(true);
    const { cpus, memoryBytes, memoryFreeBytes } = ready.host.facts();
    expect(cpus > 0 && memoryFreeBytes <= memoryBytes).toBe(true);
    expect(ready.host.net.appsHost).not.toBe('');
  });
}
