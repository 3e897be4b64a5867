import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { must } from '../src/host/linux/exec.js';
import { RealCon } from './real-con.js';
import { describeReal } from './real.js';

describeReal('a real host whose records differ', () => {
  const con = new RealCon();
  beforeAll(() => con.enter('RUN echo made > /srv/made\nEXPOSE 80'), 900_000);
  afterAll(() => con.leave(), 60_000);

  it('a lost database is made again from the volumes: what runs goes on, what is off starts, templates are built again', async () => {
    await con.created('on');
    await con.created('off');
    await con.started('on');
    await con.said('on', 'echo kept > /srv/data');
    await con.kept('on', 's1');
    await con.said('on', 'echo later > /srv/data');
    const before = (await con.client['containers.get']({ id: 'on' })).container;
    await con.kill();
    for (const name of readdirSync(con.options.home).filter((each) => each.startsWith('con.db')))
      rmSync(`${con.options.home}/${name}`);
    await con.begin();
    expect((await con.client['containers.list']({})).containers).toEqual([]);
    const { recovered, left } = await con.client['host.recover']({});
    expect([recovered.map(({ id }) => id).sort(), left]).toEqual([['off', 'on'], []]);
    const { since: _, ...after } = (await con.client['containers.get']({ id: 'on' })).container;
    expect(before).toMatchObject(after);
    expect((await con.said('on', 'cat /srv/data; getent hosts deb.debian.org >/dev/null; echo $?')).output).toMatch(
      /^later\n/,
    );
    await con.started('off');
    expect((await con.said('off', 'cat /srv/made')).output).toBe('made\n');
    await con.stopped('on');
    await con.client['containers.restoreSnapshot']({ id: 'on', snapshot: 's1' });
    await con.is('on', 'stopped');
    await con.started('on');
    expect((await con.said('on', 'cat /srv/data /srv/made')).output).toBe('kept\nmade\n');
    await con.built('RUN echo anew > /srv/made\nEXPOSE 80');
    await con.created('new');
    await con.started('new');
    expect((await con.said('new', 'cat /srv/made')).output).toBe('anew\n');
    expect(await con.client['host.doctor']({ mend: true })).toEqual({ findings: [], held: 0 });
  }, 120_000);

  it('what a crash left of a container that is off is found and cleared away, and strangers stay', async () => {
    await con.created('gone');
    const { name, home, runDirectory } = con.options;
    const slot = Number((await con.client['containers.get']({ id: 'gone' })).container.address.split('.').at(-1));
    mkdirSync(`/sys/fs/cgroup/pids/${name}/${slot}/box`, { recursive: true });
    mkdirSync(`${runDirectory}/lxc/${slot}`, { recursive: true });
    await must(['ip', 'link', 'add', `${name}v${slot}`, 'type', 'veth', 'peer', 'name', `${name}vp`]);
    mkdirSync(`${runDirectory}/roots/${slot}/root`, { recursive: true });
    await must(['mount', '-t', 'tmpfs', 'left', `${runDirectory}/roots/${slot}/root`]);
    mkdirSync(`${home}/volumes/4000/upper`, { recursive: true });
    const { findings } = await con.client['host.doctor']({ mend: true });
    expect(findings.map(({ kind, mended }) => [kind, mended])).toEqual([
      ['volume', false],
      ['remains', true],
      ['mount', true],
    ]);
    const again = (await con.client['host.doctor']({})).findings;
    expect(again.map(({ what }) => what)).toEqual(['volume 4000 is in no record, and carries none']);
    await con.started('gone');
    rmSync(`${home}/volumes/4000`, { recursive: true });
  }, 120_000);
});
