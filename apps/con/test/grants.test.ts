import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Rooms } from './rooms.js';

describe('what a container may do in the network beyond what all may', () => {
  let rooms: Rooms;
  beforeEach(async () => {
    rooms = new Rooms();
    for (const [id, owner] of [
      ['a', 'ann'],
      ['b', 'ann'],
      ['c', 'bob'],
    ] as const) {
      await rooms.created(id, { owner });
    }
  });
  afterEach(() => rooms.leave());

  const grantsOnHost = async (id: string): Promise<unknown> => {
    const change = jest.spyOn(rooms.host.net, 'change');
    await rooms.containers.wiring.grants.network({ id });
    return change.mock.calls.at(-1)![3];
  };

  it('is nothing at first; mail to strangers is opened and closed by name', async () => {
    expect(rooms.containers.get('a')).not.toHaveProperty('smtp');
    await rooms.started('a');
    expect(await grantsOnHost('a')).toEqual({});
    expect(await rooms.containers.wiring.grants.network({ id: 'a', smtp: true })).toMatchObject({ smtp: true });
    expect(await grantsOnHost('a')).toEqual({ smtp: true });
    expect(await rooms.containers.wiring.grants.network({ id: 'a', smtp: false })).not.toHaveProperty('smtp');
    expect(await grantsOnHost('a')).toEqual({});
  });

  it('is as fast as the host unless it is told how many bytes a second; 0 is no limit again', async () => {
    await rooms.started('a');
    await rooms.containers.wiring.grants.network({
      id: 'a',
      outBytesPerSecond: 1_000_000,
      inBytesPerSecond: 2_000_000,
    });
    await rooms.containers.wiring.grants.network({ id: 'a', outBytesPerSecond: 0 });
    expect(rooms.containers.get('a')).toMatchObject({ inBytesPerSecond: 2_000_000 });
    expect(rooms.containers.get('a')).not.toHaveProperty('outBytesPerSecond');
    expect(await grantsOnHost('a')).toEqual({ inBytesPerSecond: 2_000_000 });
    await expect(rooms.containers.wiring.grants.network({ id: 'a', inBytesPerSecond: 9 })).rejects.toThrow(
      'cannot use 9 bytes a second: it must be from 10000 to 2000000000, or 0 for no limit',
    );
  });

  it('private networks of one name are another one for each owner', async () => {
    for (const id of ['a', 'b', 'c']) {
      await rooms.started(id);
      await rooms.containers.wiring.grants.join({ id, network: 'back' });
      await rooms.containers.wiring.grants.join({ id, network: 'back' });
      expect(rooms.containers.get(id).networks).toEqual(['back']);
    }
    const [ann, annToo, bob] = [await grantsOnHost('a'), await grantsOnHost('b'), await grantsOnHost('c')];
    expect(ann).toEqual(annToo);
    expect(bob).not.toEqual(ann);
    await rooms.containers.wiring.grants.leave({ id: 'b', network: 'back' });
    await rooms.containers.wiring.grants.leave({ id: 'b', network: 'back' });
    expect(await grantsOnHost('b')).toEqual({});
  });

  it('a container is in four private networks at most, and a name is a label', async () => {
    for (const network of ['n1', 'n2', 'n3', 'n4']) await rooms.containers.wiring.grants.join({ id: 'a', network });
    await expect(rooms.containers.wiring.grants.join({ id: 'a', network: 'n5' })).rejects.toMatchObject({
      code: 'too_many',
      message: 'cannot join n5: a is in 4 networks, as many as one may be in',
    });
    await expect(rooms.containers.wiring.grants.join({ id: 'b', network: '../x' })).rejects.toThrow(
      'cannot name a network',
    );
    expect(rooms.containers.get('b')).not.toHaveProperty('networks');
  });

  it('outlives a kill, and is there from the next start on', async () => {
    await rooms.containers.wiring.grants.join({ id: 'a', network: 'back' });
    await rooms.containers.wiring.grants.network({ id: 'a', smtp: true });
    await rooms.restart();
    const open = jest.spyOn(rooms.host.net, 'open');
    await rooms.started('a');
    expect(open.mock.calls.map(([, , , grants]) => grants)).toEqual([
      { smtp: true, networks: [1] },
      { smtp: true, networks: [1] },
    ]);
    const sync = jest.fn<typeof rooms.host.net.sync>();
    await rooms.restart(({ host }) => {
      host.net.sync = sync.mockResolvedValue();
      return true;
    });
    expect(sync.mock.calls[0]![0].addresses).toEqual([
      { slot: 10, address: '10.77.0.10', grants: { smtp: true, networks: [1] } },
    ]);
  });
});
