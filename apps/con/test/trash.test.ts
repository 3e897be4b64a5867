import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bare, Rooms } from './rooms.js';

describe('The trash', () => {
  let rooms: Rooms;
  beforeEach(() => {
    rooms = new Rooms({ trashSeconds: '100' });
  });
  afterEach(() => rooms.leave());

  it('keeps all where unusually many are due to be destroyed at once, until somebody says that it is right', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    for (const id of ids) {
      await rooms.created(id, { template: bare });
      rooms.containers.trash(id);
    }
    rooms.clock.pass(100_000);
    expect(rooms.containers.expire(rooms.sampler.now())).toEqual({ destroyed: 0, kept: 6 });
    rooms.containers.restore('f');
    expect(rooms.containers.expire(rooms.sampler.now())).toEqual({ destroyed: 5, kept: 0 });
    await rooms.containers.idle();
    expect(rooms.containers.list().map(({ id }) => id)).toEqual(['f']);
    for (const id of ids) {
      await rooms.created(`${id}2`, { template: bare });
      rooms.containers.trash(`${id}2`);
    }
    rooms.clock.pass(100_000);
    expect(rooms.containers.expire(rooms.sampler.now(), { all: true })).toEqual({ destroyed: 6, kept: 0 });
  });

  it('outlives a clock that was set ahead for a moment: it keeps containers for the time that passes', async () => {
    await rooms.created('a');
    rooms.containers.trash('a');
    rooms.clock.setWall(365 * 86_400_000);
    rooms.containers.expire(rooms.sampler.now());
    expect(rooms.state('a')).toBe('trashed');
  });
});
