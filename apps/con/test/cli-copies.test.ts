import { EventEmitter } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startFakeCon, type FakeCon } from './fake-con.js';
import { type as typed } from './words.js';

describe('con on the command line, asked to copy, keep, tell and mend', () => {
  let con: FakeCon;
  const type = (line: string, interrupts = new EventEmitter()) =>
    typed(line.split(' '), { socketPath: con.socketPath, interrupts });

  beforeAll(async () => {
    con = await startFakeCon();
    await con.client['templates.build']({ name: 'web', version: '1', confile: 'FROM debian:bookworm\n' });
    for (let state = ''; state !== 'ready';)
      state = (await con.client['templates.get']({ name: 'web', version: '1' })).template.state;
    await type('create shop web:1 --disk 2GiB');
  });
  afterAll(() => con.stop());

  it('keeps, lists, restores and removes snapshots by name or id', async () => {
    expect(await type('snapshot shop before --days 7')).toEqual({
      code: 0,
      out: 'shop is kept as before, 10 MiB\n',
      err: '',
    });
    expect((await type('snapshot shop --id s2')).out).toBe('shop is kept as s2, 10 MiB\n');
    const { out } = await type('snapshots shop');
    expect(out).toMatch(
      /^NAME +ID +STATE +SIZE +CREATED +EXPIRES\nbefore +s[0-9a-f]{16} +kept +10 MiB +\S+Z +\S+Z\n +s2 +kept/,
    );
    expect(await type('restore-snapshot shop before')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/and is stopped\n$/),
    });
    expect((await type('remove-snapshot shop s2')).out).toBe('s2 of shop is being removed\n');
    const json = JSON.parse((await type('--json snapshots shop')).out) as {
      snapshots: { name?: string; state: string }[];
    };
    expect(json.snapshots.find(({ name }) => name === 'before')).toMatchObject({ state: 'kept' });
  });

  it('duplicates a container, as it is or as it was kept', async () => {
    expect(await type('duplicate shop copy')).toEqual({ code: 0, out: 'copy is stopped\n', err: '' });
    expect((await type('duplicate shop older --snapshot before --memory 1GiB')).code).toBe(0);
    const { container } = JSON.parse((await type('containers get older')).out) as {
      container: { limits: { memoryBytes: string; diskBytes: string } };
    };
    expect(container.limits).toMatchObject({ memoryBytes: `${1n << 30n}`, diskBytes: `${2n << 30n}` });
    expect((await type('containers limit older --disk 3GiB')).out).toBe(
      'older has 1.0 GiB of memory, 3.0 GiB of disk, 1 cores and 512 processes\n',
    );
  });

  it('prints the log of a container, and follows it until it is interrupted', async () => {
    const line = '2030-01-01T00:00:00.000Z  fake: pretending to have said something\n';
    expect(await type('logs shop -n 5')).toEqual({ code: 0, out: line, err: '' });
    const interrupts = new EventEmitter();
    const followed = type('logs shop --follow', interrupts);
    while (interrupts.listenerCount('SIGINT') === 0) await new Promise((resolve) => setImmediate(resolve));
    interrupts.emit('SIGINT');
    expect(await followed).toMatchObject({ code: 0 });
    expect(JSON.parse((await type('--json logs shop')).out)).toMatchObject({ source: 'fake', priority: 6 });
  });

  it('says that host and records tell the same, or how they differ, by its exit code too', async () => {
    expect(await type('doctor')).toEqual({ code: 0, out: 'the host and the records tell the same\n', err: '' });
    expect(await type('recover --dry-run')).toEqual({ code: 0, out: 'every volume is on record\n', err: '' });
    expect(JSON.parse((await type('--json doctor --mend')).out)).toEqual({ findings: [], held: 0 });
  });

  it.each([
    ['snapshot nobody', 1, 'cannot find a container called "nobody"'],
    ['snapshot shop -x', 2, "unknown option '-x'"],
    ['snapshot shop a --days soon', 1, 'cannot read "soon" as a number of days'],
    ['snapshot shop ../x', 1, 'cannot name a snapshot "../x"'],
    ['restore-snapshot shop never', 1, 'cannot find a snapshot called "never"; con snapshots shop shows them'],
    ['restore-snapshot shop', 2, "missing required argument 'snapshot'"],
    ['duplicate shop', 2, "missing required argument 'new-name'"],
    ['duplicate shop shop', 1, 'cannot duplicate shop: operator has a container of that name'],
    ['logs shop -n 0', 1, 'cannot call containers.logs'],
    ['create tiny web:1 --disk 1KiB', 1, 'cannot use diskBytes 1024: it must be from 67108864'],
  ])('answers %s with %i and words', async (line, code, words) => {
    expect(await type(line)).toMatchObject({ code, err: expect.stringContaining(words) });
  });
});
