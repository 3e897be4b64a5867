import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Rooms } from './rooms.js';

describe('logs of containers', () => {
  let rooms: Rooms;
  beforeEach(async () => {
    rooms = new Rooms();
    await rooms.created('a');
  });
  afterEach(() => rooms.leave());

  const read = (more: { after?: string; lines?: number } = {}) => rooms.containers.logs.read({ id: 'a', ...more });
  const cursor = 's=1;i=1';
  const line = `${JSON.stringify({ __CURSOR: cursor, __REALTIME_TIMESTAMP: '1893456000000000', MESSAGE: 'x'.repeat(1_000) })}\n`;

  it('are read whether it runs or not, and its root is mounted for that alone', async () => {
    const unmount = jest.spyOn(rooms.host.layers, 'unmount');
    expect(await read()).toMatchObject({ entries: [{ source: 'fake' }], next: cursor, more: false });
    expect(unmount).toHaveBeenCalledTimes(1);
    await rooms.started('a');
    expect((await read()).entries).toHaveLength(1);
    expect(unmount).toHaveBeenCalledTimes(1);
  });

  it('go on from where they ended, and from nowhere else', async () => {
    const aside = jest.spyOn(rooms.host.runtime, 'aside');
    await read({ after: cursor });
    await read({ lines: 5 });
    expect(aside.mock.calls.map(([{ argv }]) => argv.at(-1))).toEqual([`--after-cursor=${cursor}`, '--lines=5']);
    await expect(read({ after: '--file=/etc/shadow' })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('that nothing more was said in stay where they were', async () => {
    jest.spyOn(rooms.host.runtime, 'aside').mockResolvedValue(0);
    expect(await read({ after: cursor })).toEqual({ entries: [], next: cursor, more: false });
    expect(await read()).toEqual({ entries: [], more: false });
  });

  it('without an end are cut, whoever writes them is ended, and the rest comes next', async () => {
    let ended = false;
    jest.spyOn(rooms.host.runtime, 'aside').mockImplementation(async ({ log, signal }) => {
      for (let n = 0; !signal.aborted && n < 10_000; n += 1) log(Buffer.from(line));
      ended = signal.aborted;
      signal.throwIfAborted();
      return 0;
    });
    const { entries, more } = await read();
    expect([more, ended, entries.length > 100, entries.length < 300]).toEqual([true, true, true, true]);
  });

  it('that cannot be read say why', async () => {
    const aside = jest.spyOn(rooms.host.runtime, 'aside').mockResolvedValue(127);
    await expect(read()).rejects.toMatchObject({
      code: 'unavailable',
      message: 'cannot read the log of a: it has no journalctl',
    });
    aside.mockImplementation(async ({ log }) => {
      log(Buffer.from('\u001b[31mno files\n'));
      return 1;
    });
    await expect(read()).rejects.toThrow('cannot read the log of a: [31mno files');
  });
});
