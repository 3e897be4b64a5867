import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Rooms } from './rooms.js';

const GiB = 1024n ** 3n;

describe('records that are lost, and hosts that differ from them', () => {
  let rooms: Rooms;
  beforeEach(() => {
    rooms = new Rooms({ firstPort: '20000', lastPort: '20100', appsDomain: 'apps.example.org' });
  });
  afterEach(() => rooms.leave());

  const lose = async (): Promise<readonly { what: string; cure: string }[]> => {
    await rooms.carried.idle();
    rooms.kill();
    for (const end of ['', '-wal', '-shm']) rmSync(join(rooms.home, `con.db${end}`), { force: true });
    return rooms.restart();
  };
  const recover = (dryRun = false) => rooms.containers.rebuild.recover({ dryRun });
  const look = (mend = false, yes = false) => rooms.containers.doctor.look({ mend, yes });

  it('are brought back from what volumes carry: everything but the state that nobody knows', async () => {
    await rooms.created('a', { tariffTag: 'small' });
    await rooms.containers.wiring.forwards.forward({ id: 'a', port: 25, hostPort: 40_000, sources: ['192.0.2.0/24'] });
    await rooms.containers.wiring.grants.network({ id: 'a', smtp: true, outBytesPerSecond: 50_000 });
    await rooms.containers.wiring.grants.join({ id: 'a', network: 'lan' });
    await rooms.containers.wiring.faces.domains({ id: 'a', name: 'shop', domains: ['shop.example.com'] });
    rooms.containers.snapshots.snapshot({ id: 'a', snapshot: 's1', name: 'one' });
    await rooms.containers.idle();
    await rooms.started('a');
    await rooms.created('b', { owner: 'bob' });
    rooms.containers.rename('b', 'web');
    rooms.containers.trash('b');
    await rooms.containers.idle();
    const seen = () => rooms.containers.list().map(({ since: _, ...one }) => one);
    const [before, kept] = [seen(), rooms.containers.snapshots.list('a')];
    const secret = rooms.records.get('a')!.secret;
    const warnings = await lose();
    expect(warnings).toMatchObject([{ cure: 'con recover brings it back' }, { cure: 'con recover brings it back' }]);
    expect(seen()).toEqual([]);
    expect(await recover(true)).toMatchObject({
      recovered: [
        { id: 'a', name: 'a' },
        { id: 'b', name: 'web' },
      ],
      left: [],
    });
    expect(seen()).toEqual([]);
    expect((await recover()).recovered).toHaveLength(2);
    expect(seen()).toEqual(before);
    expect([rooms.containers.snapshots.list('a'), rooms.records.get('a')!.secret]).toEqual([kept, secret]);
    expect((await rooms.host.net.traffic()).has(rooms.containers.get('a').address)).toBe(true);
    expect(await recover()).toEqual({ recovered: [], left: [] });
    await rooms.stopped('a');
    rooms.containers.snapshots.restore({ id: 'a', snapshot: 's1' });
    await rooms.containers.idle();
    expect(rooms.state('a')).toBe('stopped');
    await expect(rooms.created('a', { tariffTag: 'other' })).rejects.toThrow('it exists with other values');
  });

  it('give none of their numbers away before they are brought back', async () => {
    await rooms.created('a');
    rooms.containers.snapshots.snapshot({ id: 'a', snapshot: 's1' });
    await rooms.containers.idle();
    const { range, slot } = rooms.records.get('a')!;
    await lose();
    await rooms.created('b', { owner: 'bob' });
    expect(rooms.records.get('b')!.range).not.toBe(range);
    expect(rooms.records.get('b')!.slot).not.toBe(slot);
    rooms.containers.snapshots.snapshot({ id: 'b', snapshot: 's1' });
    await rooms.containers.idle();
    expect((await recover()).left).toEqual([]);
    expect(await rooms.host.layers.moments()).toMatchObject([{ moment: 1 }, { moment: 2 }]);
  });

  it('stay lost where another has their name by now, or nothing is carried, and nothing is removed', async () => {
    await rooms.created('a');
    await rooms.created('b');
    await rooms.host.layers.createVolume(900, 7, GiB);
    await rooms.host.layers.createVolume(901, 7, GiB);
    await rooms.host.layers.writeRecord(901, '{"berth":1}');
    await lose();
    await rooms.created('c', { name: 'a' });
    const { recovered, left } = await recover();
    expect(recovered).toMatchObject([{ id: 'b' }]);
    expect(left.map(({ why }) => why)).toEqual([
      'cannot bring volume 10 back: ann has another container called a by now; rename that one first',
      'cannot bring volume 900 back: it carries no record',
      'cannot bring volume 901 back: what it carries cannot be read; was it written by a newer con?',
    ]);
    expect(await rooms.host.layers.volumes()).toHaveLength(5);
  });

  it('are nothing to find where all is well', async () => {
    await rooms.created('a');
    await rooms.started('a');
    expect(await look(true)).toEqual({ findings: [], held: 0 });
  });

  it('tell of what is strange, and destroy none of it', async () => {
    await rooms.created('a');
    const { slot } = rooms.records.get('a')!;
    await rooms.host.layers.createVolume(900, 7, GiB);
    await rooms.host.layers.keepMoment(slot, 77, (act) => act());
    await rooms.host.net.open(901, '10.77.3.133', []);
    const { findings } = await look(true, true);
    expect(findings.map(({ kind, mended }) => [kind, mended])).toEqual([
      ['volume', false],
      ['moment', false],
      ['address', true],
    ]);
    expect([await rooms.host.layers.volumes(), (await rooms.host.layers.moments()).length]).toEqual([[slot, 900], 1]);
    expect([...(await rooms.host.net.traffic()).keys()]).toEqual([]);
  });

  it('call failed what has lost its volume or its snapshot, until it is back', async () => {
    await rooms.created('a');
    await rooms.created('b');
    rooms.containers.snapshots.snapshot({ id: 'b', snapshot: 's1' });
    await rooms.containers.idle();
    await rooms.host.layers.removeVolume(rooms.records.get('a')!.slot);
    await rooms.host.layers.removeMoment(rooms.records.get('b')!.slot, 1);
    expect((await look()).findings.map(({ kind, mended }) => [kind, mended])).toEqual([
      ['container', false],
      ['snapshot', false],
    ]);
    expect((await look(true)).findings.every(({ mended }) => mended)).toBe(true);
    expect([rooms.state('a'), rooms.containers.snapshots.list('b')]).toMatchObject(['failed', [{ state: 'failed' }]]);
    expect((await look()).findings).toEqual([]);
  });

  it('remove what was destroyed and is there all the same, but more than a few only with yes', async () => {
    await rooms.created('stays');
    const texts: [number, string][] = [];
    for (let n = 0; n < 6; n += 1) {
      await rooms.created(`c${n}`);
      await rooms.carried.idle();
      const { slot } = rooms.records.get(`c${n}`)!;
      texts.push([slot, (await rooms.host.layers.records()).get(slot)!]);
      rooms.containers.trash(`c${n}`);
      rooms.containers.destroy(`c${n}`);
      await rooms.containers.idle();
    }
    for (const [slot, text] of texts) {
      await rooms.host.layers.createVolume(slot, 1, GiB);
      await rooms.host.layers.writeRecord(slot, text);
    }
    await rooms.host.layers.writeRecord(texts[0]![0], texts[0]![1].replace('"instance":"one"', '"instance":"two"'));
    const remove = jest.spyOn(rooms.host.layers, 'removeVolume');
    await rooms.host.layers.createVolume(950, 1, GiB);
    await rooms.host.layers.writeRecord(950, texts[1]![1]); // of ours, and gone
    expect(await look(true)).toMatchObject({ held: 6 });
    expect(remove).not.toHaveBeenCalled();
    const { findings } = await look(true, true);
    expect(findings.filter(({ mended }) => mended)).toHaveLength(6);
    expect(await rooms.host.layers.volumes()).toEqual([rooms.records.get('stays')!.slot, texts[0]![0]]); // not our label
  });
});
