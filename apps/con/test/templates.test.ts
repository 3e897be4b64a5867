import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { GiB, Yard } from './yard.js';

let yard: Yard;

beforeEach(() => {
  yard = new Yard();
});

afterEach(() => yard.close());

const logOf = (name: string, line: number): string => yard.templates.log({ name, version: '1', line }).text;

describe('A build', () => {
  it('makes a snapshot of each line, and layers only of those that change files', async () => {
    const { template, steps } = await yard.build('web', [
      'ENV A=1',
      'RUN one',
      'EXPOSE 80',
      'LABEL berth.title="Web"',
      'RUN two',
    ]);
    expect(template).toMatchObject({
      state: 'ready',
      lines: 6,
      sizeBytes: 1020n,
      ports: [80],
      labels: { 'berth.title': 'Web' },
    });
    expect(steps.map(({ state, sizeBytes }) => [state, sizeBytes])).toEqual([
      ['done', 1000n],
      ['done', 0n],
      ['done', 10n],
      ['done', 0n],
      ['done', 0n],
      ['done', 10n],
    ]);
    expect(yard.templates.tree()).toHaveLength(6);
    expect(yard.templates.tree().at(-1)).toMatchObject({
      text: 'RUN two',
      parent: 's5',
      templates: ['web:1'],
      containers: 0,
    });
    expect(yard.templates.ready('web', '1')).toMatchObject({
      snapshot: 's6',
      chain: [3, 2, 1],
      ports: [80],
      environment: { A: '1' },
    });
    expect(yard.templates.chainOf('s3')).toEqual([2, 1]);
    expect(yard.host.chains.get(3)).toEqual([2, 1]);
  });

  it('takes lines that did not change from the cache, whatever stands around them', async () => {
    await yard.build('one', ['RUN a', 'RUN b']);
    const { steps } = await yard.build('two', ['# another comment', 'run   a', 'RUN c']);
    expect(steps.map(({ state }) => state)).toEqual(['cached', 'cached', 'done']);
    expect([yard.host.ran('a'), yard.host.ran('b'), yard.host.ran('c')]).toEqual([1, 1, 1]);
  });

  it('runs a line anew where the environment or the directory above it is another', async () => {
    await yard.build('one', ['ENV A=1', 'RUN a']);
    await yard.build('two', ['ENV A=2', 'RUN a']);
    await yard.build('three', ['WORKDIR /srv', 'RUN a']);
    expect(yard.host.ran('a')).toBe(3);
    expect(yard.host.lines.at(-2)).toMatchObject({
      argv: ['/bin/sh', '-c', 'a'],
      workdir: '/srv',
      network: true,
    });
  });

  it('shares common lines with a build that runs at the same time, and lays a base down once', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const all = await Promise.all(names.map((name) => yard.build(name, ['RUN same', `RUN ${name}`])));
    expect(all.map(({ template }) => template.state)).toEqual(['ready', 'ready', 'ready', 'ready']);
    expect([yard.host.bases.length, yard.host.ran('same')]).toEqual([1, 1]);
  });

  it('stands on another template with FROM name:version', async () => {
    await yard.build('base', ['ENV A=1', 'RUN a']);
    yard.templates.build({ name: 'app', version: '1', confile: 'FROM base:1\nRUN b' });
    const { template, steps } = await yard.built('app');
    expect(template).toMatchObject({ state: 'ready', sizeBytes: 1020n });
    expect(steps[0]).toMatchObject({ state: 'cached', sizeBytes: 1010n });
    expect(yard.host.lines.find(({ argv }) => argv.at(-1) === 'b')?.environment).toMatchObject({ A: '1' });
    expect(yard.templates.ready('app', '1').chain).toEqual([4, 2, 1]);
  });

  it('fails at its line with the reason, keeps its log and the lines above, and goes on there when repeated', async () => {
    yard.host.commands.set('bad', async ({ log }) => {
      log(Buffer.from('no such \x1b[31mpackage\x1b[0m'));
      return 100;
    });
    const failed = await yard.build('web', ['RUN good', 'RUN bad', 'RUN later']);
    expect(failed.template).toMatchObject({
      state: 'failed',
      line: 3,
      reason: expect.stringMatching(/^cannot run the line: .*exit code 100/),
    });
    expect(failed.steps.map(({ state }) => state)).toEqual(['done', 'done', 'failed', 'waiting']);
    expect(logOf('web', 3)).toBe('no such ␛[31mpackage␛[0m');
    expect([...yard.host.onDisk.keys()]).toEqual([1, 2]);
    expect(() => yard.templates.ready('web', '1')).toThrow(/it is failed/);
    yard.host.commands.clear();
    const mended = await yard.build('web', ['RUN good', 'RUN bad', 'RUN later']);
    expect(mended.steps.map(({ state }) => state)).toEqual(['cached', 'cached', 'done', 'done']);
    expect(mended.template.reason).toBeUndefined();
  });

  it('ends a line that takes too long, and leaves no layer of it', async () => {
    await yard.reopen({ lineTimeoutMs: 20 });
    yard.host.commands.set(
      'slow',
      ({ signal }) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(137))),
    );
    const { template } = await yard.build('web', ['RUN slow']);
    expect(template).toMatchObject({
      state: 'failed',
      line: 2,
      reason: 'cannot run the line: it took longer than 0.02 seconds',
    });
    expect([...yard.host.onDisk.keys()]).toEqual([1]);
  });

  it('fails for a full disk before a line, at its end and in the middle, and leaves nothing of it', async () => {
    await yard.build('other', []);
    yard.host.freeBytes = GiB - 1n;
    expect((await yard.build('web', ['RUN a'])).template.reason).toMatch(/^cannot run the line: the disk is full/);
    expect(yard.host.ran('a')).toBe(0);
    yard.host.freeBytes = GiB;
    yard.host.commands.set('full', async () => {
      throw Object.assign(new Error('write'), { code: 'ENOSPC' });
    });
    expect((await yard.build('web', ['RUN full'])).template.reason).toMatch(/the disk is full/);
    yard.host.commands.set('filling', ({ signal }) => {
      yard.host.freeBytes = 0n;
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(137)));
    });
    expect((await yard.build('web', ['RUN filling'])).template.reason).toMatch(/the disk is full/);
    expect([...yard.host.onDisk.keys()]).toEqual([1]);
  });

  it('is refused with its place for what cannot be built, and leaves no template behind', () => {
    const confile = (text: string) => () => yard.templates.build({ name: 'web', version: '1', confile: text });
    expect(confile('FROM debian:bookworm\nFETCH x')).toThrow(/line 2, column 1: there is no instruction "FETCH"/);
    expect(confile('FROM debian:sarge')).toThrow(/line 1, column 1: there is no debian:sarge/);
    expect(confile('FROM debian:bookworm\nENV P=x\nEXPOSE $P')).toThrow(/line 3, column 8: "x" is no port/);
    expect(confile('FROM debian:bookworm\nCOPY a /a')).toThrow(/line 2, column 1: COPY needs files/);
    expect(confile('FROM web:1')).toThrow(/stand on itself/);
    expect(confile('FROM none:1')).toThrow(/none:1, which is not there/);
    for (const name of ['../x', '', 'x'.repeat(300), 'a\nb', 'a\u202eb', 'debian']) {
      expect(() => yard.templates.build({ name, version: '1', confile: 'FROM debian:bookworm' })).toThrow(
        /^cannot name a template/,
      );
    }
    expect(() => yard.templates.build({ name: 'web', version: '../1', confile: 'FROM debian:bookworm' })).toThrow(
      /cannot use the version/,
    );
    expect(yard.templates.list()).toEqual([]);
  });

  it('is refused while the same template is being built', async () => {
    yard.templates.build({ name: 'web', version: '1', confile: 'FROM debian:bookworm' });
    expect(() => yard.templates.build({ name: 'web', version: '1', confile: 'FROM debian:bookworm' })).toThrow(
      /being built already/,
    );
    await expect(yard.templates.remove({ name: 'web', version: '1' })).rejects.toThrow(/being built/);
    await yard.built('web');
  });

  it('fails when it holds a secret that every container would share, also when all of it comes from the cache', async () => {
    yard.host.secrets = '/etc/ssh/ssh_host_rsa_key\n';
    const reason = /^cannot finish: \/etc\/ssh\/ssh_host_rsa_key would be the same secret/;
    expect((await yard.build('web', ['RUN keygen'])).template.reason).toMatch(reason);
    expect((await yard.build('web', ['RUN keygen'])).template.reason).toMatch(reason);
    yard.host.secrets = '';
    expect((await yard.build('web', ['RUN keygen', 'RUN rm'])).template.state).toBe('ready');
    const before = yard.host.lines.length;
    await yard.build('web', ['RUN keygen', 'RUN rm']);
    expect(yard.host.lines).toHaveLength(before);
  });

  it('keeps 4 MiB of what a line prints, and says that it cut the rest', async () => {
    yard.host.commands.set('chatty', async ({ log }) => {
      for (let count = 0; count < 5 * 16; count += 1) log(Buffer.from('é'.repeat(32_768)));
      return 0;
    });
    await yard.build('web', ['RUN chatty']);
    let [text, next, done] = ['', 0n, false];
    while (!done) {
      const piece = yard.templates.log({ name: 'web', version: '1', line: 2, offset: next });
      text += piece.text;
      ({ next, done } = piece);
    }
    expect(text).toMatch(/^é+\n\[cut here: the log of a line holds 4 MiB\]\n$/);
    expect(text.length).toBeLessThan(2.2 * 1024 * 1024);
  });

  it('is `failed: interrupted` after the daemon died, and what its line left is removed', async () => {
    let running: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (running = resolve));
    yard.host.commands.set('long', ({ signal }) => {
      running();
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(137)));
    });
    yard.templates.build({ name: 'web', version: '1', confile: 'FROM debian:bookworm\nRUN long' });
    await begun;
    yard.host.onDisk.set(99, 'sealed');
    const next = yard.open();
    await next.recover();
    expect(next.get({ name: 'web', version: '1' })).toMatchObject({
      template: { state: 'failed', reason: 'interrupted', line: 2 },
      steps: [{ state: 'done' }, { state: 'failed' }],
    });
    expect([...yard.host.onDisk.keys()]).toEqual([1, 99]);
    expect(logOf('web', 2)).toBe('');
    await next.remove({ name: 'web', version: '1' });
    expect(readdirSync(join(yard.home, 'logs'))).toEqual([]);
    expect(yard.told).toEqual([expect.stringMatching(/layer 99 on disk is in no record/)]);
  });
});

it('What a daemon had still to let go when it was killed while building anew is let go by the next', async () => {
  yard.host.commands.set('breaks', async () => 1);
  await yard.build('other', ['RUN x', 'RUN y', 'RUN breaks']).catch(() => undefined);
  let running: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (running = resolve));
  yard.host.commands.set('long', ({ signal }) => {
    running();
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(137)));
  });
  yard.templates.build({ name: 'other', version: '1', confile: 'FROM debian:bookworm\nRUN z\nRUN long' });
  await begun;
  const next = yard.open();
  await next.recover();
  await next.remove({ name: 'other', version: '1' });
  expect(next.tree()).toEqual([]);
});

describe('A build that is cancelled', () => {
  const held = (text: string): { begun: Promise<void>; end: () => void; ended: () => boolean } => {
    let [begin, end, isOver]: [() => void, () => void, boolean] = [() => undefined, () => undefined, false];
    const begun = new Promise<void>((resolve) => (begin = resolve));
    yard.host.commands.set(text, ({ signal }) => {
      begin();
      return new Promise((resolve) => {
        end = () => resolve(0);
        signal.addEventListener('abort', () => resolve(((isOver = true), 137)));
      });
    });
    return { begun, end: () => end(), ended: () => isOver };
  };
  const build = (name: string, ...lines: string[]) =>
    yard.templates.build({ name, version: '1', confile: ['FROM debian:bookworm', ...lines].join('\n') });

  it('leaves nothing behind, and cancelling it again is success', async () => {
    const { begun, ended } = held('long');
    build('web', 'RUN a', 'RUN long');
    await begun;
    await yard.templates.cancel({ name: 'web', version: '1' });
    expect([ended(), yard.templates.list(), yard.templates.tree()]).toEqual([true, [], []]);
    expect([[...yard.host.onDisk], readdirSync(join(yard.home, 'logs'))]).toEqual([[], []]);
    await yard.templates.cancel({ name: 'web', version: '1' });
  });

  it('leaves alone what was in service, and the lines that another build wants', async () => {
    const { snapshot, digest } = (await yard.build('web', ['RUN a'])).template;
    const { begun, end, ended } = held('long');
    build('web', 'RUN long');
    build('other', 'RUN long', 'RUN c');
    await begun;
    await yard.templates.cancel({ name: 'web', version: '1' });
    expect(yard.templates.get({ name: 'web', version: '1' }).template).toMatchObject({
      state: 'failed',
      reason: 'cancelled',
      snapshot,
      digest,
    });
    end();
    expect((await yard.built('other')).template.state).toBe('ready');
    expect([ended(), yard.host.ran('long')]).toEqual([false, 1]);
  });

  it('waits for no context any more', async () => {
    yard.templates.build({
      name: 'web',
      version: '1',
      confile: 'FROM debian:bookworm\nCOPY . /a',
      contextBytes: 10_000n,
    });
    await yard.templates.cancel({ name: 'web', version: '1' });
    expect(yard.templates.list()).toEqual([]);
  });

  it('does not fail a build that wants the same line while it is being given up', async () => {
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    yard.host.commands.set('long', ({ signal }) => {
      begin();
      return new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          yard.host.commands.clear();
          build('other', 'RUN long');
          resolve(137);
        });
      });
    });
    build('web', 'RUN long');
    await begun;
    await yard.templates.cancel({ name: 'web', version: '1' });
    expect((await yard.built('other')).template.state).toBe('ready');
    expect(yard.host.ran('long')).toBe(2);
  });
});

describe('Pruning', () => {
  it('says first what it would free, and never frees what something stands on', async () => {
    await yard.build('web', ['RUN a']);
    yard.host.commands.set('bad', async () => 1);
    await yard.build('failed', ['RUN a', 'RUN b', 'RUN c', 'RUN bad']);
    const [tree, disk] = [yard.templates.tree(), [...yard.host.onDisk]];
    const wanted = { snapshots: [{ text: 'RUN b' }, { text: 'RUN c' }], bytes: 20n };
    expect(await yard.templates.prune({ dryRun: true, olderThanSeconds: 3_600 })).toEqual({ snapshots: [], bytes: 0n });
    expect(await yard.templates.prune({ dryRun: true })).toMatchObject(wanted);
    expect([yard.templates.tree(), [...yard.host.onDisk]]).toEqual([tree, disk]);
    yard.containers.set('s4', 1);
    expect(await yard.templates.prune({ dryRun: true })).toEqual({ snapshots: [], bytes: 0n });
    yard.containers.clear();
    expect(await yard.templates.prune({})).toMatchObject(wanted);
    expect(yard.templates.tree().map(({ text }) => text)).toEqual(['FROM debian:bookworm', 'RUN a']);
    expect([...yard.host.onDisk.keys()]).toEqual([1, 2]);
    expect(yard.templates.get({ name: 'failed', version: '1' }).template.state).toBe('failed');
    expect(await yard.templates.prune({})).toEqual({ snapshots: [], bytes: 0n });
  });
});

describe('Removing a template', () => {
  it('removes only what no other template stands on, layers and logs too', async () => {
    await yard.build('one', ['RUN a', 'RUN b']);
    await yard.build('two', ['RUN a', 'RUN c']);
    await yard.templates.remove({ name: 'one', version: '1' });
    expect(yard.templates.tree().map(({ text }) => text)).toEqual(['FROM debian:bookworm', 'RUN a', 'RUN c']);
    expect(readdirSync(join(yard.home, 'logs'))).toHaveLength(3);
    await yard.templates.remove({ name: 'two', version: '1' });
    expect([yard.templates.tree(), [...yard.host.onDisk], readdirSync(join(yard.home, 'logs'))]).toEqual([[], [], []]);
  });

  it('is refused while containers stand on it, and says which', async () => {
    const { template } = await yard.build('web', ['RUN a']);
    yard.containers.set(template.snapshot ?? '', 2);
    await expect(yard.templates.remove({ name: 'web', version: '1' })).rejects.toThrow(
      'cannot remove web:1: the containers shop-1, shop-2 stand on it; destroy them first, in the trash as well',
    );
    expect(yard.templates.tree().at(-1)).toMatchObject({ containers: 2 });
  });

  it('of a name that is not there is `not_found`', async () => {
    await expect(yard.templates.remove({ name: 'x', version: '1' })).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('A template built anew', () => {
  it('stays in service as it was while it is built, and when that fails', async () => {
    const { template: old } = await yard.build('web', ['EXPOSE 80', 'RUN a']);
    expect(old.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    const service = { snapshot: old.snapshot, digest: old.digest, ports: [80], sizeBytes: old.sizeBytes };
    let end: (code: number) => void = () => undefined;
    yard.host.commands.set('b', () => new Promise<number>((resolve) => (end = resolve)));
    yard.templates.build({ name: 'web', version: '1', confile: 'FROM debian:bookworm\nEXPOSE 81\nRUN b' });
    while (yard.host.ran('b') === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(yard.templates.list()).toMatchObject([{ ...service, state: 'building' }]);
    expect(yard.templates.ready('web', '1')).toMatchObject({ snapshot: old.snapshot, ports: [80] });
    yard.templates.build({ name: 'app', version: '1', confile: 'FROM web:1\nRUN c' });
    expect((await yard.built('app')).template).toMatchObject({ state: 'ready', ports: [80] });
    end(1);
    expect((await yard.built('web')).template).toMatchObject({ ...service, state: 'failed', line: 3 });
    expect(yard.templates.ready('web', '1').snapshot).toBe(old.snapshot);
    yard.host.commands.clear();
    const { template: fresh } = await yard.build('web', ['EXPOSE 81', 'RUN b']);
    expect(fresh).toMatchObject({ state: 'ready', ports: [81] });
    expect(fresh.digest).not.toBe(old.digest);
    expect((await yard.build('same', ['EXPOSE 81', 'RUN b'])).template.digest).toBe(fresh.digest);
  });

  it('points to its new snapshot, and the old one stays as long as containers stand on it', async () => {
    const old = (await yard.build('web', ['RUN a'])).template.snapshot ?? '';
    yard.containers.set(old, 1);
    const fresh = (await yard.build('web', ['RUN b'])).template.snapshot;
    expect(fresh).not.toBe(old);
    expect(yard.templates.chainOf(old)).toEqual([2, 1]);
    yard.containers.clear();
    await yard.templates.recover();
    expect(() => yard.templates.chainOf(old)).toThrow(/cannot find the snapshot/);
    expect([...yard.host.onDisk.keys()].toSorted()).not.toContain(2);
  });
});
