import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { bare, Rooms, small, template } from './rooms.js';

const GiB = 1024n ** 3n;

describe('containers', () => {
  let rooms: Rooms;
  beforeEach(() => {
    rooms = new Rooms({ firstPort: '20000', lastPort: '20005', trashSeconds: '100', restSeconds: '50' });
  });
  afterEach(async () => {
    giveUp.splice(0).forEach((end) => end(new Error('the test is over')));
    rooms.leave();
  });

  const giveUp: ((error: Error) => void)[] = [];
  const hanging = (): Promise<never> => new Promise((_, reject) => giveUp.push(reject));

  const environmentOf = async (id: string): Promise<Readonly<Record<string, string>>> => {
    const start = jest.spyOn(rooms.host.runtime, 'start');
    await rooms.started(id);
    return start.mock.calls.at(-1)![1].environment;
  };

  it('answer at once, and tell by their state how it ended', async () => {
    expect(rooms.containers.create({ id: 'a', name: 'a', owner: 'ann', template }).state).toBe('creating');
    await rooms.containers.idle();
    expect(rooms.state('a')).toBe('stopped');
    expect(rooms.containers.start('a').state).toBe('starting');
    await rooms.containers.idle();
    expect(rooms.containers.get('a')).toMatchObject({ state: 'running', boot: 1 });
    expect(rooms.containers.stop('a').state).toBe('stopping');
    await rooms.containers.idle();
    expect(rooms.state('a')).toBe('stopped');
  });

  it('are created once under one id, and never again after they were destroyed', async () => {
    await rooms.created('a');
    const { address } = rooms.containers.get('a');
    await rooms.created('a');
    expect(rooms.containers.list()).toHaveLength(1);
    expect(rooms.containers.get('a').address).toBe(address);
    await expect(rooms.created('a', { owner: 'bob' })).rejects.toThrow('cannot create a: it exists with other values');
    rooms.containers.trash('a');
    rooms.containers.destroy('a');
    await rooms.containers.idle();
    rooms.containers.destroy('a');
    expect(() => rooms.containers.get('a')).toThrow('cannot find the container a');
    await expect(rooms.created('a')).rejects.toThrow('never used again');
  });

  it('of one owner bear different names, until one is gone', async () => {
    await rooms.created('a', { name: 'web' });
    await expect(rooms.created('b', { name: 'web' })).rejects.toMatchObject({
      code: 'invalid',
      message: 'cannot create web: ann has a container of that name; names are unique',
    });
    await rooms.created('c', { name: 'web', owner: 'bob' });
    rooms.containers.trash('a');
    rooms.containers.destroy('a');
    await rooms.containers.idle();
    await rooms.created('d', { name: 'web' });
  });

  it.each([
    ['an empty', ''],
    ['a climbing', '../x'],
    ['a broken', 'a\nb'],
    ['an endless', 'x'.repeat(300)],
    ['a turned', '\u202eabc'],
  ])('refuse %s name, and id', async (_, bad) => {
    await expect(rooms.created('a', { name: bad })).rejects.toMatchObject({ code: 'invalid' });
    await expect(rooms.created('a', { id: bad })).rejects.toMatchObject({ code: 'invalid' });
    expect(rooms.containers.list()).toEqual([]);
  });

  it('are refused what their state does not allow, in words', async () => {
    await rooms.created('a');
    expect(() => rooms.containers.destroy('a')).toThrow('cannot destroy a: it is stopped');
    expect(() => rooms.containers.exec('a', ['id'])).toThrow('cannot exec a: it is stopped');
    await rooms.started('a');
    expect(() => rooms.containers.restore('a')).toThrow('cannot restore a: it is running');
  });

  it('start once and stop once, however often they are asked at once', async () => {
    await rooms.created('a');
    const start = jest.spyOn(rooms.host.runtime, 'start');
    const stop = jest.spyOn(rooms.host.runtime, 'stop');
    for (let n = 0; n < 5; n += 1) rooms.containers.start('a');
    await rooms.containers.idle();
    for (let n = 0; n < 5; n += 1) rooms.containers.stop('a');
    await rooms.containers.idle();
    expect(start).toHaveBeenCalledTimes(1);
    expect(stop).toHaveBeenCalledTimes(1);
    expect(rooms.containers.get('a')).toMatchObject({ state: 'stopped', boot: 1 });
  });

  it('may be stopped while they start, and end stopped with nothing left running', async () => {
    await rooms.created('a');
    rooms.containers.start('a');
    expect(rooms.containers.stop('a').state).toBe('stopping');
    await rooms.containers.idle();
    expect(rooms.state('a')).toBe('stopped');
    expect(await rooms.host.runtime.running()).toEqual([]);
    expect((await rooms.host.net.traffic()).size).toBe(0);
  });

  it('that fail to start say why, are undone backwards, and can be started again', async () => {
    await rooms.created('a');
    const steps: string[] = [];
    jest.spyOn(rooms.host.runtime, 'start').mockRejectedValueOnce(new Error('the kernel said no'));
    jest.spyOn(rooms.host.runtime, 'stop').mockImplementation(async () => void steps.push('stop'));
    jest.spyOn(rooms.host.net, 'close').mockImplementation(async () => void steps.push('close'));
    jest.spyOn(rooms.host.layers, 'unmount').mockImplementation(async () => void steps.push('unmount'));
    await rooms.started('a');
    expect(rooms.containers.get('a')).toMatchObject({ state: 'failed', reason: expect.stringMatching(/^cannot/) });
    expect(steps).toEqual(['stop', 'close', 'unmount']);
    await rooms.started('a');
    expect(rooms.containers.get('a')).not.toHaveProperty('reason');
    expect(rooms.state('a')).toBe('running');
  });

  it('that end by themselves are stopped', async () => {
    await rooms.created('a');
    await rooms.started('a');
    const forget = rooms.host.runtime.watch((slot) => rooms.containers.ended(slot));
    rooms.host.runtime.powerOff(rooms.records.get('a')!.slot);
    await rooms.containers.idle();
    forget();
    expect(rooms.state('a')).toBe('stopped');
  });

  it('are stopped for the trash, come back from it, and are destroyed when their time is over', async () => {
    await rooms.created('a');
    await rooms.started('a');
    rooms.containers.trash('a');
    await rooms.containers.idle();
    expect(rooms.containers.get('a')).toMatchObject({ state: 'trashed', trashedUntil: '2030-05-01T10:01:40.000Z' });
    expect(rooms.containers.restore('a').state).toBe('stopped');
    rooms.containers.trash('a');
    rooms.clock.pass(99_999);
    rooms.containers.expire(rooms.sampler.now());
    expect(rooms.state('a')).toBe('trashed');
    rooms.clock.pass(1);
    rooms.containers.expire(rooms.sampler.now());
    await rooms.containers.idle();
    expect(rooms.containers.list()).toEqual([]);
    expect(await rooms.host.layers.volumes()).toEqual([]);
  });

  it('are taken out of the trash while they are still being stopped for it', async () => {
    await rooms.created('a');
    await rooms.started('a');
    expect(rooms.containers.trash('a')).toMatchObject({ state: 'stopping', trashedUntil: expect.any(String) });
    expect(rooms.containers.restore('a')).not.toHaveProperty('trashedUntil');
    await rooms.containers.idle();
    expect(rooms.state('a')).toBe('stopped');
  });

  it('that could not be stopped for the trash do not fall into it at a later stop', async () => {
    await rooms.created('a');
    await rooms.started('a');
    jest.spyOn(rooms.host.runtime, 'stop').mockRejectedValueOnce(new Error('it hangs'));
    rooms.containers.trash('a');
    await rooms.containers.idle();
    expect(rooms.state('a')).toBe('failed');
    await rooms.started('a');
    await rooms.stopped('a');
    expect(rooms.state('a')).toBe('stopped');
  });

  it('keep address, ports and ids for life; another gets them only after a rest, and never the ids', async () => {
    await rooms.created('a');
    await rooms.created('b', { owner: 'bob' });
    const [a, b] = [rooms.records.get('a')!, rooms.records.get('b')!];
    expect(a.address).toMatch(/^10\.77\.0\.\d+$/);
    expect(a.forwards.map(({ hostPort }) => hostPort)).toEqual([20_000, 20_001]);
    expect(a.range).not.toBe(b.range);
    rooms.containers.trash('a');
    rooms.containers.destroy('a');
    await rooms.containers.idle();
    await rooms.created('c');
    expect(rooms.records.get('c')).toMatchObject({
      range: a.range,
      forwards: [{ hostPort: 20_004 }, { hostPort: 20_005 }],
    });
    await expect(rooms.created('d')).rejects.toThrow('cannot forward a port: all from 20000 to 20005 are taken');
    rooms.clock.pass(50_000);
    await rooms.created('d');
    expect(rooms.records.get('d')!.forwards.map(({ hostPort }) => hostPort)).toEqual([20_000, 20_001]);
    expect(rooms.records.get('d')!.slot).not.toBe(a.slot);
  });

  it('that cannot be given every port take none', async () => {
    await rooms.created('a');
    await rooms.created('b');
    await rooms.created('c', { template: small });
    await expect(rooms.created('d')).rejects.toThrow('cannot forward a port');
    await rooms.created('e', { template: small });
    expect(rooms.records.get('e')!.forwards).toEqual([{ protocol: 'tcp', hostPort: 20_005, port: 80 }]);
  });

  it('share no secret, show none, and are told who they are', async () => {
    await rooms.created('a');
    await rooms.created('b');
    const [a, b] = [await environmentOf('a'), await environmentOf('b')];
    expect(a).toMatchObject({ BERTH_URL: 'http://apps.test:20000', BERTH_NAME: 'a', LANG: 'C.UTF-8' });
    expect(a['BERTH_SECRET']).toMatch(/^[0-9a-f]{64}$/);
    expect(a['BERTH_SECRET']).not.toBe(b['BERTH_SECRET']);
    await rooms.stopped('a');
    expect((await environmentOf('a'))['BERTH_SECRET']).toBe(a['BERTH_SECRET']);
    expect(inspect(rooms.containers.list(), { depth: 9 })).not.toContain(a['BERTH_SECRET']);
  });

  it('restart as a stop and a start, once, also across a killed daemon; a stop meanwhile wins', async () => {
    await rooms.created('a');
    expect(() => rooms.containers.restart('a')).toThrow('cannot restart a: it is stopped');
    await rooms.started('a');
    expect(rooms.containers.restart('a')).toMatchObject({ state: 'stopping', again: true });
    expect(rooms.containers.restart('a')).toMatchObject({ state: 'stopping', again: true });
    await rooms.containers.idle();
    expect(rooms.containers.get('a')).toMatchObject({ state: 'running', boot: 2 });
    expect(rooms.containers.get('a')).not.toHaveProperty('again');

    rooms.containers.restart('a');
    rooms.containers.stop('a');
    await rooms.containers.idle();
    expect(rooms.containers.get('a')).toMatchObject({ state: 'stopped', boot: 2 });

    await rooms.started('a');
    jest.spyOn(rooms.host.runtime, 'stop').mockImplementationOnce(hanging);
    rooms.containers.restart('a');
    await rooms.restart();
    expect(rooms.containers.get('a')).toMatchObject({ state: 'running', boot: 4 });
  });

  it('put into the trash while they wait to be started again stay off when they come out of it', async () => {
    await rooms.created('a');
    await rooms.started('a');
    jest.spyOn(rooms.host.runtime, 'stop').mockRejectedValueOnce(new Error('it hangs'));
    rooms.containers.restart('a');
    await rooms.containers.idle();
    rooms.containers.trash('a');
    await rooms.containers.idle();
    rooms.containers.restore('a');
    await rooms.restart();
    expect(rooms.state('a')).toBe('stopped');
    expect(rooms.containers.get('a')).not.toHaveProperty('again');
  });

  it('that ran when the host was restarted run again; those that were off, or ended by themselves, stay off', async () => {
    for (const id of ['ran', 'was-frozen', 'off', 'ended']) await rooms.created(id, { template: bare });
    for (const id of ['ran', 'was-frozen', 'ended']) await rooms.started(id);
    await rooms.containers.freeze('was-frozen');
    await rooms.host.runtime.stop(rooms.records.get('ended')!.slot);
    await rooms.restart(); // of con alone
    expect(rooms.state('ended')).toBe('stopped');

    rooms.bootId = 'second';
    rooms.host.runtime.forgetAll();
    await rooms.restart();
    expect(['ran', 'was-frozen', 'off', 'ended'].map((id) => rooms.state(id))).toEqual([
      'running',
      'running',
      'stopped',
      'stopped',
    ]);
    expect(rooms.containers.get('ran').boot).toBe(2);
  });

  it('by the dozen come back a few at a time after a restart of the host, even when con is killed while they do', async () => {
    const ids = Array.from({ length: 12 }, (_, n) => `n${n}`);
    for (const id of ids) await rooms.created(id, { template: bare });
    for (const id of ids) await rooms.started(id);
    rooms.bootId = 'second';
    rooms.host.runtime.forgetAll();
    rooms.kill();
    await rooms.restart(({ host }) => {
      const { start } = host.runtime;
      let begun = 0;
      host.runtime.start = (...words) => ((begun += 1) > 6 ? hanging() : start.apply(host.runtime, words));
      return false;
    });
    const on = () => ids.filter((id) => rooms.state(id) === 'running').length;
    while (on() < 6) await new Promise(setImmediate);
    expect(ids.filter((id) => rooms.state(id) === 'starting')).toHaveLength(4);
    await rooms.restart();
    expect(on()).toBe(12);
  });

  it('freeze and thaw, and what the host could not do is not said to be done', async () => {
    await rooms.created('a');
    await expect(rooms.containers.freeze('a')).rejects.toThrow('cannot freeze a: it is stopped');
    await rooms.started('a');
    expect(await rooms.containers.freeze('a')).toMatchObject({ state: 'frozen' });
    expect(await rooms.containers.freeze('a')).toMatchObject({ state: 'frozen' });
    expect((await rooms.host.runtime.running())[0]).toMatchObject({ frozen: true });
    await rooms.restart();
    expect(rooms.state('a')).toBe('frozen');
    expect(await rooms.containers.thaw('a')).toMatchObject({ state: 'running' });
    jest.spyOn(rooms.host.runtime, 'freeze').mockRejectedValueOnce(new Error('no'));
    await expect(rooms.containers.freeze('a')).rejects.toThrow('no');
    expect(rooms.state('a')).toBe('running');
    await rooms.containers.freeze('a');
    await rooms.stopped('a');
    expect(rooms.state('a')).toBe('stopped');
  });

  it('take another name that is free and is one, and are told it at their next start', async () => {
    await rooms.created('a', { name: 'web' });
    await rooms.created('b', { name: 'shop' });
    expect(rooms.containers.rename('a', 'blog')).toMatchObject({ id: 'a', name: 'blog' });
    expect(rooms.containers.rename('a', 'blog')).toMatchObject({ name: 'blog' });
    expect(() => rooms.containers.rename('a', 'shop')).toThrow('cannot rename shop: ann has a container of that name');
    expect(() => rooms.containers.rename('a', '../x')).toThrow('cannot name a container');
    await rooms.restart();
    expect(rooms.containers.get('a').name).toBe('blog');
    await rooms.created('c', { name: 'web' });
    expect(await environmentOf('a')).toMatchObject({ BERTH_NAME: 'blog' });
  });

  it('take other limits, on or off, and keep the old ones where more memory is in use', async () => {
    await rooms.created('a');
    const MiB = 1024n * 1024n;
    const wanted = { memoryBytes: 800n * MiB, cpuMillis: 250, pids: 100, diskBytes: 5n << 30n };
    expect((await rooms.containers.limit('a', wanted)).limits).toEqual(wanted);
    await rooms.started('a');
    const little = { ...wanted, memoryBytes: 100n * MiB };
    await expect(rooms.containers.limit('a', little)).rejects.toMatchObject({
      code: 'conflict',
      message: 'cannot lower the memory so far: more is in use; 200 MiB are the least that is possible now',
    });
    expect(rooms.containers.get('a').limits).toEqual(wanted);
    await expect(rooms.containers.limit('a', { ...wanted, pids: 1 })).rejects.toMatchObject({ code: 'invalid' });
    await rooms.restart();
    expect(rooms.containers.get('a').limits).toEqual(wanted);
    rooms.containers.trash('a');
    await rooms.containers.idle();
    await expect(rooms.containers.limit('a', wanted)).rejects.toThrow('cannot limit a: it is trashed');
  });

  it('are all found again by a daemon that was killed', async () => {
    rooms.leave();
    rooms = new Rooms();
    for (const id of ['runs', 'off', 'ended', 'begun']) await rooms.created(id);
    for (const id of ['runs', 'ended']) await rooms.started(id);
    await rooms.host.runtime.stop(rooms.records.get('ended')!.slot);
    jest.spyOn(rooms.host.runtime, 'start').mockImplementation(hanging);
    rooms.containers.start('begun');
    const before = rooms.containers.get('runs');
    await rooms.restart();
    expect(rooms.containers.get('runs')).toEqual(before);
    expect(['off', 'ended', 'begun'].map((id) => rooms.state(id))).toEqual(['stopped', 'stopped', 'stopped']);
    expect((await rooms.host.net.traffic()).size).toBe(1);
  });

  it('whose life ends before they are said to run are off, and not on for ever', async () => {
    await rooms.created('a');
    const forget = rooms.host.runtime.watch((slot) => rooms.containers.ended(slot));
    const open = rooms.host.net.open.bind(rooms.host.net);
    jest.spyOn(rooms.host.net, 'open').mockImplementation(async (slot, ...words) => {
      if ((await rooms.host.runtime.running()).length > 0) rooms.host.runtime.powerOff(slot); // its init has exited
      await open(slot, ...words);
    });
    await rooms.started('a');
    forget();
    expect(rooms.state('a')).toBe('stopped');
    expect((await rooms.host.net.traffic()).size).toBe(0);
  });

  it('whose data is not there are not started on an empty disk', async () => {
    await rooms.created('a');
    await rooms.started('a');
    await rooms.stopped('a');
    await rooms.host.layers.removeVolume(rooms.records.get('a')!.slot);
    await rooms.started('a');
    expect(rooms.containers.get('a')).toMatchObject({ state: 'failed', reason: expect.stringContaining('volume') });
  });

  it('being stopped when con was killed lose their ports and addresses, and nobody gives them back', async () => {
    await rooms.created('a');
    await rooms.started('a');
    jest.spyOn(rooms.host.runtime, 'stop').mockImplementation(hanging);
    rooms.containers.stop('a');
    const { slot } = rooms.records.get('a')!;
    rooms.host.runtime.forgetAll(); // it has ended while no con looked
    await rooms.restart();
    expect(rooms.state('a')).toBe('stopped');
    expect((await rooms.host.net.traffic()).size).toBe(0);
    expect(rooms.records.at(slot)?.id).toBe('a');
  });

  it('half created or half destroyed by a killed daemon are failed or gone', async () => {
    await rooms.created('b');
    rooms.containers.trash('b');
    jest.spyOn(rooms.host.layers, 'removeVolume').mockImplementation(hanging);
    rooms.containers.destroy('b');
    jest.spyOn(rooms.host.layers, 'createVolume').mockImplementation(hanging);
    rooms.containers.create({ id: 'a', name: 'a', owner: 'ann', template });
    await rooms.restart();
    expect(rooms.containers.get('a')).toMatchObject({
      state: 'failed',
      reason: expect.stringContaining('interrupted'),
    });
    expect(rooms.containers.list()).toHaveLength(1);
  });

  it('without a record keep their data, are told of, and nobody is given their number', async () => {
    await rooms.host.layers.createVolume(10, 7, GiB);
    const [warning] = await rooms.restart();
    expect(warning?.what).toContain('container 10 of this host is in no record');
    await rooms.created('a');
    expect(rooms.records.get('a')!.slot).toBe(11);
    expect(await rooms.host.layers.volumes()).toEqual(expect.arrayContaining([10, 11]));
  });

  it('by the dozen change the version of the list only when one of them changes', async () => {
    for (let n = 0; n < 50; n += 1)
      rooms.containers.create({ id: `n${n}`, name: `n${n}`, owner: 'ann', template: bare });
    await rooms.containers.idle();
    const { version } = rooms.records;
    await rooms.sampler.tick();
    expect(rooms.containers.list()).toHaveLength(50);
    expect(rooms.records.version).toBe(version);
    rooms.containers.start('n7');
    expect(rooms.records.version).toBeGreaterThan(version);
    await rooms.containers.idle();
  });
});
