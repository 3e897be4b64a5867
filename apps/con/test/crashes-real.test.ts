import { readdirSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Container, Sample } from '@berth/con-protocol';
import { isInTransit, isOn } from '@berth/container';
import { Problem } from '@berth/problem';
import { RealCon } from './real-con.js';
import { describeReal } from './real.js';

/** `npm run crash` does it 200 times. */
const crashes = Number(process.env['BERTH_CRASHES'] ?? 24);
/** Most of what con does is over by then. */
const longestMs = 300;
const mostContainers = 4;

describeReal('a con that is killed again and again', () => {
  const con = new RealCon({ CON_SAMPLE_SECONDS: '0.2' });
  beforeAll(() => con.enter('EXPOSE 80'), 900_000);
  afterAll(() => con.leave(), 60_000);

  /** What was acknowledged: containers that must be there, with the snapshots that must be kept. */
  const there = new Map<string, Set<string>>();
  let made = 0;

  type Tried = Readonly<{ name: string; run: () => Promise<unknown>; kept?: () => void }>;

  /** Something that may be asked of what is there now. */
  function chosen(containers: readonly Container[]): Tried {
    const one = containers[randomInt(Math.max(1, containers.length))];
    const id = `c${(made += 1)}`;
    const create: Tried = {
      name: 'create',
      run: () =>
        con.client['containers.create']({ id, name: id, owner: 'ann', template: { name: 'plain', version: '1' } }),
      kept: () => void there.set(id, new Set()),
    };
    if (!one || containers.length < 2) return create;
    const by = { id: one.id };
    const snapshots = there.get(one.id) ?? new Set<string>();
    const [snapshot = ''] = snapshots;
    const forget = (): void => void there.delete(one.id); // it may be gone or not, from now on
    const possible: Tried[] = [
      ...(containers.length < mostContainers ? [create] : []),
      ...(isOn(one.state)
        ? [
            { name: 'stop', run: () => con.client['containers.stop'](by) },
            { name: 'kill', run: () => con.client['containers.kill'](by) },
            { name: 'restart', run: () => con.client['containers.restart'](by) },
            { name: 'freeze', run: () => con.client['containers.freeze'](by) },
          ]
        : []),
      ...(one.state === 'frozen' ? [{ name: 'thaw', run: () => con.client['containers.thaw'](by) }] : []),
      ...(one.state === 'stopped' || one.state === 'failed'
        ? [{ name: 'start', run: () => con.client['containers.start'](by) }]
        : []),
      ...(one.state === 'stopped' && snapshot !== ''
        ? [{ name: 'restore', run: () => con.client['containers.restoreSnapshot']({ ...by, snapshot }) }]
        : []),
      ...(one.state !== 'failed' && one.state !== 'trashed'
        ? [
            { name: 'snapshot', run: () => con.client['containers.snapshot']({ ...by, snapshot: id }) },
            ...(containers.length < mostContainers
              ? [
                  {
                    name: 'duplicate',
                    run: () => con.client['containers.duplicate']({ id, from: one.id, name: id }),
                    kept: () => void there.set(id, new Set()),
                  },
                ]
              : []),
          ]
        : []),
      {
        name: 'destroy',
        run: async () => {
          forget();
          if (one.state !== 'failed' && one.state !== 'trashed') await con.client['containers.trash'](by);
          await con.until(async () => ((await state(one.id)) === 'stopping' ? undefined : true));
          await con.client['containers.destroy'](by);
        },
      },
    ];
    return possible[randomInt(possible.length)]!;
  }

  const list = async (): Promise<Container[]> => (await con.client['containers.list']({})).containers ?? [];
  const state = async (id: string) => (await con.client['containers.get']({ id })).container.state;

  /** Nothing is on its way any more. */
  async function settled(): Promise<Container[]> {
    return con.until(async () => {
      const containers = await list();
      if (containers.some((one) => isInTransit(one.state) || one.again)) return undefined;
      for (const { id } of containers) {
        const { snapshots } = await con.client['containers.snapshots']({ id });
        if (snapshots.some((one) => one.state === 'keeping' || one.state === 'removing')) return undefined;
      }
      return containers;
    });
  }

  it(
    `${crashes} times at any moment loses nothing that was acknowledged, leaves nothing behind and counts nothing back`,
    async () => {
      const last = new Map<string, Sample>();
      let cursor = 0n;
      for (let crash = 0; crash < crashes; crash += 1) {
        const { name, run, kept } = chosen(await settled());
        const asked = run().then(
          () => kept?.(),
          (error: unknown) => {
            if (!(error instanceof Problem)) throw error; // con was killed before it answered, or refused
          },
        );
        await delay(randomInt(longestMs));
        await con.kill();
        await asked;
        await con.begin();
        const containers = await settled();
        const where = `crash ${crash}, ${name}`;
        expect([where, await con.client['host.doctor']({})]).toEqual([where, { findings: [], held: 0 }]);
        const ids = new Set(containers.map(({ id }) => id));
        expect([where, [...there.keys()].filter((id) => !ids.has(id))]).toEqual([where, []]);
        for (const { id } of containers) await keptAre(id, where);
        const { samples, next } = await con.client['usage.read']({ after: cursor, cut: true, limit: 10_000 });
        cursor = next;
        for (const sample of samples) countsOn(sample, last, where);
        expect([where, readdirSync(`${con.options.home}/removed`)]).toEqual([where, []]);
      }
    },
    60_000 + crashes * 10_000,
  );

  /** What was kept once is kept, and what is there from now on has to stay. */
  async function keptAre(id: string, where: string): Promise<void> {
    const { snapshots } = await con.client['containers.snapshots']({ id });
    const kept = new Set(snapshots.filter((one) => one.state === 'kept').map((one) => one.id));
    const known = there.get(id) ?? new Set();
    expect([where, id, [...known].filter((one) => !kept.has(one))]).toEqual([where, id, []]);
    if (there.has(id)) there.set(id, kept);
  }

  function countsOn(sample: Sample, last: Map<string, Sample>, where: string): void {
    const before = last.get(sample.container);
    last.set(sample.container, sample);
    expect([where, sample.runMs >= 0n, sample.cpuNanos >= 0n, sample.to >= sample.from]).toEqual([
      where,
      true,
      true,
      true,
    ]);
    if (!before) return;
    expect([where, sample.seq > before.seq, sample.boot >= before.boot]).toEqual([where, true, true]);
    if (sample.boot === before.boot) {
      expect([where, sample.from >= before.to, sample.cpuTotalNanos >= before.cpuTotalNanos]).toEqual([
        where,
        true,
        true,
      ]);
    }
  }
});
