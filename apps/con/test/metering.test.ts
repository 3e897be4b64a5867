import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Sample } from '@berth/con-protocol';
import { Rooms } from './rooms.js';

const hour = 3_600_000;
const MiB = 1024n * 1024n;

describe('the journal', () => {
  let rooms: Rooms;
  beforeEach(async () => {
    rooms = new Rooms();
    await rooms.created('a');
  });
  afterEach(() => rooms.leave());

  const samples = async (container = 'a'): Promise<Sample[]> => {
    const read = await rooms.sampler.read({ cut: true, limit: 10_000 });
    return read.samples.filter((one) => one.container === container);
  };
  const sum = (
    all: readonly Sample[],
    key: 'runMs' | 'cpuNanos' | 'bytesIn' | 'bytesOut' | 'memoryByteSeconds' | 'diskByteSeconds',
  ): bigint => all.reduce((total, one) => total + one[key], 0n);

  /** No gap and no overlap between one sample of a container and its next. */
  const mustJoin = (all: readonly Sample[]): void => {
    expect(all.slice(1).map(({ from }) => from)).toEqual(all.slice(0, -1).map(({ to }) => to));
  };

  it('charges from start to stop to the millisecond, however often it is sampled between', async () => {
    rooms.clock.pass(777);
    await rooms.started('a');
    for (const ms of [10_003, 9_871, 1, 10_500]) {
      rooms.clock.pass(ms);
      await rooms.sampler.tick();
    }
    rooms.clock.pass(2_345);
    await rooms.stopped('a');
    rooms.clock.pass(50_000);
    const all = await samples();
    expect(sum(all, 'runMs')).toBe(32_720n);
    expect(sum(all, 'cpuNanos')).toBe(32_720n * 4_000_000n);
    expect(sum(all, 'bytesIn')).toBe(32_720n * 10n);
    expect(sum(all, 'bytesOut')).toBe(32_720n * 100n);
    mustJoin(all);
  });

  it('counts each of two lives for itself, also when one follows the other at once', async () => {
    for (let life = 0; life < 2; life += 1) {
      await rooms.started('a');
      rooms.clock.pass(4_000);
      await rooms.sampler.tick();
      rooms.clock.pass(500);
      await rooms.stopped('a');
    }
    await rooms.started('a');
    rooms.clock.pass(100);
    await rooms.stopped('a');
    const all = await samples();
    expect(sum(all, 'runMs')).toBe(9_100n);
    expect(sum(all, 'bytesIn')).toBe(91_000n);
    expect(sum(all, 'cpuNanos')).toBe(9_100n * 4_000_000n);
    expect([...new Set(all.map(({ boot }) => boot))]).toEqual([0, 1, 2, 3]);
  });

  it('has no sample across a full hour, and what an hour shares with the next adds up to the whole', async () => {
    await rooms.started('a');
    rooms.clock.pass(hour - 3_333);
    await rooms.sampler.tick();
    rooms.clock.pass(2 * hour + 10_007);
    await rooms.stopped('a');
    const all = await samples();
    for (const { from, to } of all)
      expect(Math.floor((Date.parse(to) - 1) / hour)).toBeLessThanOrEqual(Math.floor(Date.parse(from) / hour));
    expect(sum(all, 'runMs')).toBe(BigInt(3 * hour + 6_674));
    expect(sum(all, 'cpuNanos')).toBe(BigInt(3 * hour + 6_674) * 4_000_000n);
    mustJoin(all);
  });

  it('goes on while a container takes its time to stop: until then its processes run', async () => {
    await rooms.started('a');
    rooms.clock.pass(1_000);
    const stop = rooms.host.runtime.stop.bind(rooms.host.runtime);
    jest.spyOn(rooms.host.runtime, 'stop').mockImplementationOnce(async (slot, options) => {
      rooms.clock.pass(9_000); // init hears, and does not hurry
      await rooms.sampler.tick();
      await stop(slot, options);
    });
    await rooms.stopped('a');
    rooms.clock.pass(5_000);
    const all = await samples();
    expect(sum(all, 'runMs')).toBe(10_000n);
    expect(sum(all, 'cpuNanos')).toBe(10_000n * 4_000_000n);
    mustJoin(all);
  });

  it('has a sample at every change of limits', async () => {
    await rooms.started('a');
    rooms.clock.pass(1_000);
    await rooms.containers.limit('a', { memoryBytes: 1024n ** 3n, cpuMillis: 250, pids: 100 });
    rooms.clock.pass(2_000);
    await rooms.stopped('a');
    const ran = (await samples()).filter(({ runMs }) => runMs > 0n).map(({ runMs }) => runMs);
    expect(ran).toEqual([1_000n, 2_000n]);
  });

  it('loses no second while the disk is full, and a change that could not be recorded has not happened', async () => {
    await rooms.started('a');
    rooms.fillDisk();
    let refused = 0;
    for (let n = 0; n < 120; n += 1) {
      rooms.clock.pass(1_000);
      await rooms.sampler.tick().catch(() => (refused += 1));
    }
    expect(refused).toBeGreaterThan(10);
    expect(() => rooms.containers.stop('a')).toThrow('full');
    expect(rooms.state('a')).toBe('running');
    expect(await rooms.host.runtime.running()).toHaveLength(1);
    rooms.clock.pass(1_000);
    rooms.freeDisk();
    rooms.clock.pass(1_000);
    await rooms.stopped('a');
    const all = await samples();
    expect(sum(all, 'runMs')).toBe(122_000n);
    expect(sum(all, 'cpuNanos')).toBe(122_000n * 4_000_000n);
    mustJoin(all);
  });

  it('charges no second after the end of a life that could not be put on record, and records it once it can', async () => {
    await rooms.started('a');
    rooms.clock.pass(10_000);
    const stop = rooms.host.runtime.stop.bind(rooms.host.runtime);
    jest.spyOn(rooms.host.runtime, 'stop').mockImplementationOnce(async (slot, options) => {
      rooms.writeProtect(true);
      await stop(slot, options);
    });
    rooms.containers.stop('a');
    while (!rooms.told.some((said) => /put on record how stopping a ended/.test(said))) await nextTurn();
    expect(rooms.state('a')).toBe('stopping');
    for (let n = 0; n < 10; n += 1) {
      rooms.clock.pass(10_000);
      await rooms.sampler.tick().catch(() => undefined);
    }
    rooms.writeProtect(false);
    await rooms.containers.idle();
    expect(rooms.state('a')).toBe('stopped');
    const all = await samples();
    expect(sum(all, 'runMs')).toBe(10_000n);
    expect(sum(all, 'cpuNanos')).toBe(10_000n * 4_000_000n);
    mustJoin(all);
  });

  it('measures time, CPU and memory while traffic cannot be read, and the traffic afterwards', async () => {
    await rooms.started('a');
    rooms.clock.pass(10_000);
    const { traffic } = rooms.host.net;
    jest.spyOn(rooms.host.net, 'traffic').mockRejectedValue(new Error('no nft'));
    await rooms.sampler.tick();
    expect((await rooms.sampler.usage(['a'])).map(({ id }) => id)).toEqual(['a']);
    expect(sum(await samples(), 'runMs')).toBe(10_000n);
    jest.spyOn(rooms.host.net, 'traffic').mockImplementation(traffic.bind(rooms.host.net));
    rooms.clock.pass(10_000);
    await rooms.stopped('a');
    expect(sum(await samples(), 'bytesIn')).toBeGreaterThan(0n);
  });

  it('makes no second longer or shorter when the clock on the wall is set', async () => {
    await rooms.started('a');
    rooms.clock.pass(5_000);
    rooms.clock.setWall(-1_800_000);
    rooms.clock.pass(5_000);
    await rooms.sampler.tick();
    rooms.clock.setWall(7_200_000);
    rooms.clock.pass(5_000);
    await rooms.stopped('a');
    const all = await samples();
    expect(sum(all, 'runMs')).toBe(15_000n);
    mustJoin(all);
  });

  it('loses and doubles no second of a container that runs on while con is killed, again and again', async () => {
    await rooms.started('a');
    for (const ms of [3_000, 12_345, 1, 59_000]) {
      rooms.clock.pass(ms);
      rooms.kill();
      rooms.clock.pass(ms);
      await rooms.restart();
      if (ms > 5_000) await rooms.sampler.tick();
    }
    rooms.clock.pass(700);
    await rooms.stopped('a');
    const all = await samples();
    expect(sum(all, 'runMs')).toBe(2n * 74_346n + 700n);
    expect(sum(all, 'cpuNanos')).toBe((2n * 74_346n + 700n) * 4_000_000n);
    expect(sum(all, 'bytesIn')).toBe((2n * 74_346n + 700n) * 10n);
    expect(rooms.containers.list()).toMatchObject([{ boot: 1 }]);
    mustJoin(all);
  });

  it('charges a container that ended while con was dead up to the last moment it was known to run', async () => {
    await rooms.started('a');
    rooms.clock.pass(8_000);
    await rooms.sampler.tick();
    rooms.clock.pass(4_000);
    rooms.kill();
    await rooms.host.runtime.stop(rooms.records.get('a')!.slot);
    rooms.clock.pass(100_000);
    await rooms.restart();
    const all = await samples();
    expect(sum(all, 'runMs')).toBe(8_000n);
    expect(rooms.state('a')).toBe('stopped');
    mustJoin(all);
  });

  it('charges a container that con was killed while starting from the moment the host shows', async () => {
    const { runtime } = rooms.host;
    const begin = runtime.start.bind(runtime);
    let giveUp = (_: Error): void => undefined;
    jest.spyOn(runtime, 'start').mockImplementation(async (slot, spec) => {
      rooms.clock.pass(250);
      await begin(slot, spec);
      return new Promise((_, reject) => (giveUp = reject));
    });
    rooms.containers.start('a');
    while ((await runtime.running()).length === 0) await Promise.resolve();
    rooms.kill();
    giveUp(new Error('the test goes on'));
    rooms.clock.pass(6_000);
    await rooms.restart();
    rooms.clock.pass(1_000);
    await rooms.stopped('a');
    expect(sum(await samples(), 'runMs')).toBe(7_000n);
  });

  it('charges memory between samples as it was, the smaller end over a short gap, and none over a long one', async () => {
    const held = 128n * MiB;
    await rooms.started('a');
    rooms.clock.pass(10_000);
    await rooms.sampler.tick();
    expect(sum(await samples(), 'memoryByteSeconds')).toBe(held * 10n);
    rooms.clock.pass(30_000);
    await rooms.restart();
    await rooms.sampler.tick();
    expect(sum(await samples(), 'memoryByteSeconds')).toBe(held * 40n);
    rooms.clock.pass(60_001);
    await rooms.restart();
    await rooms.sampler.tick();
    expect(sum(await samples(), 'memoryByteSeconds')).toBe(held * 40n);
    expect(sum(await samples(), 'runMs')).toBe(100_001n);
  });

  it('loses nothing when a counter falls back, as after a reboot inside', async () => {
    await rooms.started('a');
    rooms.clock.pass(1_000);
    await rooms.sampler.tick();
    const { slot } = rooms.records.get('a')!;
    const reading = { isAlive: true, memoryBytes: 0n, pageCacheBytes: 0n };
    const read = jest.spyOn(rooms.host.meter, 'read');
    read.mockReturnValue(new Map([[slot, { ...reading, cpuNanos: 300n }]]));
    await rooms.sampler.tick();
    read.mockReturnValue(new Map([[slot, { ...reading, cpuNanos: 500n }]]));
    await rooms.sampler.tick();
    expect(sum(await samples(), 'cpuNanos')).toBe(4_000_000_500n);
  });

  it('charges the disk of what is stopped and trashed too, until it is destroyed', async () => {
    await rooms.started('a');
    await rooms.stopped('a');
    rooms.clock.pass(100_000);
    rooms.containers.trash('a');
    rooms.clock.pass(50_000);
    rooms.containers.destroy('a');
    await rooms.containers.idle();
    rooms.clock.pass(50_000);
    expect(sum(await samples(), 'diskByteSeconds')).toBe(10n * MiB * 150n);
  });

  it('is read page by page, each sample once, and says until when it is complete', async () => {
    await rooms.created('b');
    await rooms.started('a');
    for (let tick = 0; tick < 5; tick += 1) {
      rooms.clock.pass(10_000);
      await rooms.sampler.tick();
    }
    rooms.clock.pass(1);
    const whole = await rooms.sampler.read({ cut: true, limit: 10_000 });
    expect(whole.completeUntil).toBe(rooms.clock.now().toISOString());
    const paged: Sample[] = [];
    for (let after = 0n; ;) {
      const page = await rooms.sampler.read({ after, limit: 3 });
      const later = whole.samples.filter(({ seq }) => seq > page.next);
      expect(later.filter(({ to }) => to < page.completeUntil)).toEqual([]);
      if (page.samples.length === 0) break;
      paged.push(...page.samples);
      after = page.next;
    }
    expect(paged).toEqual(whole.samples);
  });

  it('holds numbers beyond 2³¹ and 2⁴⁰ to the last digit', async () => {
    rooms.leave();
    rooms = new Rooms({}, 2n ** 60n + 1n);
    await rooms.created('a');
    await rooms.started('a');
    rooms.clock.pass(1_000);
    const all = await samples();
    expect(all.at(-1)!.cpuTotalNanos).toBe(2n ** 60n + 1n + 4_000_000_000n);
    expect((await rooms.sampler.usage(['a']))[0]).toMatchObject({ bytesIn: 2n ** 60n + 1n + 10_000n });
  });

  it('asks the host for numbers once a second, however many lists are asked for', async () => {
    await rooms.started('a');
    rooms.clock.pass(5_000);
    const [traffic, read] = [jest.spyOn(rooms.host.net, 'traffic'), jest.spyOn(rooms.host.meter, 'read')];
    await Promise.all(Array.from({ length: 20 }, () => rooms.sampler.usage(['a'])));
    rooms.clock.pass(1_000);
    await rooms.sampler.usage(['a']);
    expect([traffic.mock.calls.length, read.mock.calls.length]).toEqual([1, 1]);
    rooms.clock.pass(1);
    await rooms.sampler.usage(['a']);
    expect([traffic.mock.calls.length, read.mock.calls.length]).toEqual([2, 2]);
  });
});
