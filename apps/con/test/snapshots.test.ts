import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Rooms } from './rooms.js';

describe('snapshots of containers', () => {
  let rooms: Rooms;
  beforeEach(async () => {
    rooms = new Rooms();
    await rooms.created('a');
  });
  afterEach(() => rooms.leave());

  const keep = async (snapshot: string, more: { name?: string; expiresAt?: string } = {}): Promise<void> => {
    rooms.containers.snapshots.snapshot({ id: 'a', snapshot, ...more });
    await rooms.containers.idle();
  };
  const list = () => rooms.containers.snapshots.list('a');
  const onDisk = async () => (await rooms.host.layers.moments()).map(({ moment }) => moment);

  it('are kept while the container runs, and lie under their id', async () => {
    await rooms.started('a');
    const freeze = jest.spyOn(rooms.host.runtime, 'freeze');
    expect(rooms.containers.snapshots.snapshot({ id: 'a', snapshot: 's1', name: 'before' })).toMatchObject({
      id: 's1',
      state: 'keeping',
    });
    await rooms.containers.idle();
    expect(list()).toEqual([
      { id: 's1', name: 'before', state: 'kept', createdAt: rooms.clock.now().toISOString(), sizeBytes: 10n << 20n },
    ]);
    expect(freeze).toHaveBeenCalledTimes(1);
    expect(await rooms.host.runtime.running()).toMatchObject([{ frozen: false }]);
    expect(rooms.state('a')).toBe('running');
  });

  it('of a container that somebody froze leave it frozen', async () => {
    await rooms.started('a');
    await rooms.containers.freeze('a');
    await keep('s1');
    expect(await rooms.host.runtime.running()).toMatchObject([{ frozen: true }]);
    expect(list()).toMatchObject([{ state: 'kept' }]);
  });

  it('are one for the same id, and refused for an id with other values or one that is gone', async () => {
    await keep('s1', { name: 'one' });
    await keep('s1', { name: 'one' });
    expect(list()).toHaveLength(1);
    await expect(keep('s1', { name: 'other' })).rejects.toThrow('it exists with other values');
    rooms.containers.snapshots.remove({ id: 'a', snapshot: 's1' });
    await rooms.containers.idle();
    rooms.containers.snapshots.remove({ id: 'a', snapshot: 's1' });
    expect([list(), await onDisk()]).toEqual([[], []]);
    await expect(keep('s1', { name: 'one' })).rejects.toThrow('that id was used before');
  });

  it('are so many and no more', async () => {
    for (let n = 0; n < 64; n += 1) await keep(`s${n}`);
    await expect(keep('one-more')).rejects.toMatchObject({
      code: 'too_many',
      message: 'cannot keep one more snapshot of a: it has 64; remove one first',
    });
  });

  it('are restored while the container is off, each of them, and again', async () => {
    await keep('s1');
    await keep('s2');
    const restore = jest.spyOn(rooms.host.layers, 'restoreMoment');
    for (const snapshot of ['s1', 's2', 's1']) {
      expect(rooms.containers.snapshots.restore({ id: 'a', snapshot }).state).toBe('restoring');
      await rooms.containers.idle();
      expect(rooms.state('a')).toBe('stopped');
    }
    expect(restore.mock.calls.map(([, moment]) => moment)).toEqual([1, 2, 1]);
    await rooms.started('a');
    expect(() => rooms.containers.snapshots.restore({ id: 'a', snapshot: 's1' })).toThrow(
      'cannot restore a snapshot of a: it is running',
    );
    expect(() => rooms.containers.snapshots.restore({ id: 'a', snapshot: 's9' })).toThrow(
      'cannot find the snapshot s9 of a',
    );
  });

  it('whose time is over are removed, the others stay', async () => {
    await keep('s1', { expiresAt: new Date(rooms.clock.now().getTime() + 1_000).toISOString() });
    await keep('s2');
    rooms.containers.snapshots.expire(rooms.clock.now());
    expect(list()).toHaveLength(2);
    rooms.clock.pass(1_000);
    rooms.containers.snapshots.expire(rooms.clock.now());
    await rooms.containers.idle();
    expect(list()).toMatchObject([{ id: 's2' }]);
    expect(await onDisk()).toEqual([2]);
  });

  it('that fail say why, and the container runs on', async () => {
    await rooms.started('a');
    jest
      .spyOn(rooms.host.layers, 'keepMoment')
      .mockImplementation((_slot, _moment, still) => still(() => Promise.reject(new Error('no space'))));
    await keep('s1');
    expect(list()).toMatchObject([{ state: 'failed', reason: expect.stringMatching(/^cannot/) }]);
    expect(await rooms.host.runtime.running()).toMatchObject([{ frozen: false }]);
    expect(() => rooms.containers.snapshots.restore({ id: 'a', snapshot: 's1' })).toThrow('it has failed: cannot');
  });

  it('under way when con is killed have failed with nothing left, or are kept whole', async () => {
    await rooms.started('a');
    for (const isDone of [false, true]) {
      jest.spyOn(rooms.host.layers, 'keepMoment').mockImplementationOnce((slot, moment, still) => {
        const { shelfOfVolumes } = rooms.host.layers as unknown as { shelfOfVolumes: Map<number, object> & Shelf };
        if (isDone) shelfOfVolumes.put(slot, { ...shelfOfVolumes.get(slot), moments: [moment] });
        return still(() => new Promise(() => undefined)); // the kill comes while it is halted
      });
      rooms.containers.snapshots.snapshot({ id: 'a', snapshot: `s${isDone}` });
      while (!(await rooms.host.runtime.running())[0]?.frozen) await new Promise((resolve) => setImmediate(resolve));
      await rooms.restart();
      expect(await rooms.host.runtime.running()).toMatchObject([{ frozen: false }]);
      expect(rooms.state('a')).toBe('running');
    }
    expect(list()).toMatchObject([
      { id: 'sfalse', state: 'failed' },
      { id: 'strue', state: 'kept' },
    ]);
    expect(await onDisk()).toEqual([2]);
  });

  it('that were being restored or removed when con was killed are, once it is back', async () => {
    await keep('s1');
    await keep('s2');
    jest.spyOn(rooms.host.layers, 'restoreMoment').mockReturnValue(new Promise(() => undefined));
    rooms.containers.snapshots.restore({ id: 'a', snapshot: 's1' });
    const restored: number[] = [];
    await rooms.restart(({ host: { layers } }) => {
      jest.spyOn(layers, 'restoreMoment').mockImplementation(async (_, moment) => void restored.push(moment));
      return true;
    });
    expect([restored, rooms.state('a')]).toEqual([[1], 'stopped']);
    jest.spyOn(rooms.host.layers, 'removeMoment').mockReturnValue(new Promise(() => undefined));
    rooms.containers.snapshots.remove({ id: 'a', snapshot: 's1' });
    expect(list()).toMatchObject([{ state: 'removing' }, { state: 'kept' }]);
    await rooms.restart();
    expect([list().map(({ id }) => id), await onDisk()]).toEqual([['s2'], [2]]);
  });

  it('go with their container, and their ids are never given again', async () => {
    await keep('s1');
    rooms.containers.trash('a');
    rooms.containers.destroy('a');
    await rooms.containers.idle();
    expect(await onDisk()).toEqual([]);
    await rooms.created('b');
    rooms.containers.snapshots.snapshot({ id: 'b', snapshot: 's1' });
    await rooms.containers.idle();
    expect(await onDisk()).toEqual([2]);
  });

  it('do not let a stop fail that had to wait for them', async () => {
    await rooms.started('a');
    let end = (): void => undefined;
    jest.spyOn(rooms.host.layers, 'keepMoment').mockImplementationOnce(async (_slot, _moment, still) => {
      await still(() => new Promise<void>((resolve) => (end = resolve)));
      return { bytes: 1n };
    });
    rooms.containers.snapshots.snapshot({ id: 'a', snapshot: 's1' });
    while (!(await rooms.host.runtime.running())[0]?.frozen) await new Promise((resolve) => setImmediate(resolve));
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
    try {
      rooms.containers.stop('a');
      jest.advanceTimersByTime(200_000);
      end();
    } finally {
      jest.useRealTimers();
    }
    await rooms.containers.idle();
    expect(rooms.state('a')).toBe('stopped');
    expect(list()).toMatchObject([{ state: 'kept' }]);
  });
});

type Shelf = { put(slot: number, volume: object): void };
