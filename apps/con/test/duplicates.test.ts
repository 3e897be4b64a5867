import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Rooms } from './rooms.js';

describe('duplicates of containers', () => {
  let rooms: Rooms;
  beforeEach(async () => {
    rooms = new Rooms();
    await rooms.created('a', { tariffTag: 'small' });
    await rooms.started('a');
  });
  afterEach(() => rooms.leave());

  const duplicate = async (more: Partial<Parameters<typeof rooms.containers.duplicate>[0]> = {}): Promise<void> => {
    rooms.containers.duplicate({ id: 'b', from: 'a', name: 'b', ...more });
    await rooms.containers.idle();
  };

  it('are of the same owner, template and limits, with address, ports and secret of their own', async () => {
    await rooms.containers.wiring.grants.network({ id: 'a', smtp: true });
    await rooms.containers.wiring.forwards.forward({ id: 'a', port: 25, hostPort: 40_000 });
    expect(rooms.containers.duplicate({ id: 'b', from: 'a', name: 'b' })).toMatchObject({ state: 'creating' });
    await rooms.containers.idle();
    const [a, b] = [rooms.containers.get('a'), rooms.containers.get('b')];
    expect(b).toMatchObject({ state: 'stopped', owner: 'ann', template: a.template, limits: a.limits, boot: 0 });
    expect(b).toMatchObject({ tariffTag: 'small', forwards: [{ port: 80 }, { port: 443 }] });
    expect(b).not.toHaveProperty('smtp');
    expect(b.address).not.toBe(a.address);
    const ports = [...a.forwards, ...b.forwards].map(({ hostPort }) => hostPort);
    expect(new Set(ports).size).toBe(ports.length);
    expect(rooms.records.get('b')!.secret).not.toBe(rooms.records.get('a')!.secret);
    expect(rooms.state('a')).toBe('running');
    await rooms.started('b');
    expect(rooms.state('b')).toBe('running');
  });

  it('are made once under one id, and never of another’s name, a missing container or snapshot, or one in transit', async () => {
    await duplicate();
    await duplicate();
    expect(rooms.containers.list()).toHaveLength(2);
    await expect(duplicate({ name: 'c' })).rejects.toThrow('cannot duplicate b: it exists with other values');
    await expect(duplicate({ id: 'c', name: 'a' })).rejects.toMatchObject({ code: 'invalid' });
    await expect(duplicate({ id: 'c', name: 'c', from: 'nobody' })).rejects.toMatchObject({ code: 'not_found' });
    await expect(duplicate({ id: 'c', name: 'c', snapshot: 's1' })).rejects.toMatchObject({ code: 'not_found' });
    rooms.containers.stop('a');
    await expect(duplicate({ id: 'c', name: 'c' })).rejects.toThrow('cannot duplicate a: it is stopping');
  });

  it('and their source are bounded and told of apart', async () => {
    const limits = { ...rooms.containers.get('a').limits, diskBytes: 1n << 30n };
    const limit = jest.spyOn(rooms.host.layers, 'limitVolume');
    await duplicate({ limits });
    expect(limit.mock.calls).toEqual([[rooms.records.get('b')!.slot, 1n << 30n]]);
    expect(rooms.containers.get('a').limits.diskBytes).toBe(10n << 30n);
    rooms.containers.snapshots.snapshot({ id: 'b', snapshot: 's1' });
    await rooms.containers.idle();
    const { ownBytes, withTemplateBytes, snapshotsBytes } = (await rooms.containers.disks.of('b'))!;
    expect([withTemplateBytes - ownBytes, snapshotsBytes]).toEqual([1_000n, 10n << 20n]);
    await expect(rooms.containers.limit('b', { ...limits, diskBytes: 1n })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('of a snapshot are read without halting anybody', async () => {
    rooms.containers.snapshots.snapshot({ id: 'a', snapshot: 's1' });
    await rooms.containers.idle();
    const freeze = jest.spyOn(rooms.host.runtime, 'freeze');
    await duplicate({ snapshot: 's1' });
    expect([rooms.state('b'), freeze.mock.calls]).toEqual(['stopped', []]);
  });

  it.each([['copied', 'duplicateVolume', 'layers'] as const, ['made another machine', 'aside', 'runtime'] as const])(
    'that cannot be %s say so, cannot be started, and leave no volume',
    async (_, step, part) => {
      const failing = rooms.host[part] as unknown as Record<string, () => Promise<never>>;
      jest.spyOn(failing, step).mockRejectedValue(new Error('no'));
      await duplicate();
      expect(rooms.containers.get('b')).toMatchObject({ state: 'failed', reason: expect.stringMatching(/^cannot/) });
      expect(() => rooms.containers.start('b')).toThrow('cannot start b: it never became a whole copy; destroy it');
      expect(await rooms.host.layers.volumes()).toEqual([rooms.records.get('a')!.slot]);
      expect(await rooms.host.runtime.running()).toMatchObject([{ frozen: false }]);
      rooms.containers.destroy('b');
      await rooms.containers.idle();
      expect(rooms.containers.list()).toHaveLength(1);
    },
  );

  it('under way when con is killed never pass for whole ones, even where their volume is there', async () => {
    jest.spyOn(rooms.host.runtime, 'aside').mockReturnValue(new Promise(() => undefined));
    rooms.containers.duplicate({ id: 'b', from: 'a', name: 'b' });
    while ((await rooms.host.layers.volumes()).length < 2) await new Promise((resolve) => setImmediate(resolve));
    await rooms.restart();
    expect(rooms.state('b')).toBe('failed');
    expect(() => rooms.containers.start('b')).toThrow('it never became a whole copy');
    rooms.containers.destroy('b');
    await rooms.containers.idle();
    expect(await rooms.host.layers.volumes()).toHaveLength(1);
  });

  it('wait for what their source does, and it for them', async () => {
    const steps: string[] = [];
    const { layers, runtime } = rooms.host;
    const [copy, stop] = [layers.duplicateVolume.bind(layers), runtime.stop.bind(runtime)];
    jest.spyOn(layers, 'duplicateVolume').mockImplementation(async (...words) => {
      await new Promise((resolve) => setImmediate(resolve));
      await copy(...words);
      steps.push('copied');
    });
    jest.spyOn(runtime, 'stop').mockImplementation(async (...words) => {
      steps.push('stopped');
      await stop(...words);
    });
    rooms.containers.duplicate({ id: 'b', from: 'a', name: 'b' });
    rooms.containers.stop('a');
    await rooms.containers.idle();
    expect(steps).toEqual(['copied', 'stopped']);
    expect([rooms.state('a'), rooms.state('b')]).toEqual(['stopped', 'stopped']);
  });
});
