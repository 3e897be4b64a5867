import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { tar, Yard, type File } from './yard.js';

let yard: Yard;

beforeEach(() => {
  yard = new Yard();
});

afterEach(() => yard.close());

describe('COPY', () => {
  const files = (): Readable =>
    tar(
      { name: './', type: 'directory' },
      { name: './a.txt', content: 'A', mode: 0o640, uid: 1000 },
      { name: './site/', type: 'directory', mode: 0o755 },
      { name: './site/index.html', content: '<p>', mode: 0o644 },
      { name: './site/deep/x', content: 'x' },
      { name: './link', type: 'symlink', linkname: 'site/index.html' },
      { name: './hard', type: 'link', linkname: './a.txt' },
    );

  const paths = (): string[] =>
    yard.host.copied.filter(({ header }) => header.type !== 'directory').map(({ header }) => header.name);

  it.each<[string, string[]]>([
    ['COPY a.txt /etc/b', ['etc/b']],
    ['COPY a.txt /etc/', ['etc/a.txt']],
    ['COPY a.txt site/index.html /srv/', ['srv/a.txt', 'srv/index.html']],
    ['COPY site /srv', ['srv/index.html', 'srv/deep/x']],
    ['COPY site/ /', ['index.html', 'deep/x']],
    ['COPY *.txt /srv/', ['srv/a.txt']],
    ['COPY link /srv/page', ['srv/page']],
    ['COPY hard /srv/', ['srv/hard']],
    ['COPY . /all', ['all/a.txt', 'all/hard', 'all/site/index.html', 'all/site/deep/x', 'all/link']],
  ])('does what Dockerfiles do: %s', async (line, wanted) => {
    expect((await yard.build('web', [line], files())).template).toMatchObject({ state: 'ready' });
    expect(paths().toSorted()).toEqual(wanted.toSorted());
    expect(yard.host.copied.every(({ header }) => header.uid === 0 && header.gid === 0)).toBe(true);
    expect(readdirSync(join(yard.home, 'contexts'))).toEqual([]);
  });

  it('keeps content, modes, symlinks and hard links', async () => {
    await yard.build('web', ['COPY . /'], files());
    const of = (name: string) => yard.host.copied.find(({ header }) => header.name === name);
    expect(of('a.txt')).toMatchObject({ content: 'A', header: { mode: 0o640 } });
    expect(of('hard')).toMatchObject({ header: { type: 'link', linkname: 'a.txt' } });
    expect(of('link')).toMatchObject({ header: { type: 'symlink', linkname: 'site/index.html' } });
  });

  it('is taken from the cache for the same files with other times, and done anew for other content or another mode', async () => {
    const state = async (file: File): Promise<string | undefined> =>
      (await yard.build('web', ['COPY a /a'], tar(file))).steps[1]?.state;
    expect(await state({ name: 'a', content: 'A', mode: 0o644, mtime: new Date(1_000) })).toBe('done');
    expect(await state({ name: './a', content: 'A', mode: 0o644, mtime: new Date(9_000) })).toBe('cached');
    expect(await state({ name: 'a', content: 'B', mode: 0o644 })).toBe('done');
    expect(await state({ name: 'a', content: 'B', mode: 0o755 })).toBe('done');
  });

  it('fails at its place for a missing source, before any line runs', async () => {
    const { template } = await yard.build('web', ['RUN a', 'COPY none /a'], files());
    expect(template).toMatchObject({
      state: 'failed',
      line: 3,
      reason: 'cannot build this Confile: line 3, column 1: "none" is not among the files of the context',
    });
    expect(yard.host.ran('a')).toBe(0);
  });

  it.each<[string, File[], RegExp]>([
    ['..', [{ name: '../x', content: 'x' }], /"..\/x" leads out of it/],
    ['an absolute name', [{ name: '/etc/passwd', content: 'x' }], /leads out of it/],
    ['a symlink out', [{ name: 'a', type: 'symlink', linkname: '../../etc/shadow' }], /"a" leads out of it/],
    ['an absolute symlink', [{ name: 'a', type: 'symlink', linkname: '/etc/shadow' }], /"a" leads out of it/],
    [
      'a file below a symlink',
      [
        { name: 'd', type: 'symlink', linkname: 'e' },
        { name: 'd/x', content: 'x' },
      ],
      /"d\/x" lies below what is no directory/,
    ],
    ['a hard link out', [{ name: 'a', type: 'link', linkname: '../etc/shadow' }], /"a" leads out of it/],
    ['a hard link to nothing', [{ name: 'a', type: 'link', linkname: 'b' }], /hard link to what is not in it/],
    ['a device', [{ name: 'a', type: 'block-device' }], /is a block-device/],
    ['a FIFO', [{ name: 'a', type: 'fifo' }], /is a fifo/],
    [
      'a name twice',
      [
        { name: 'a', content: '1' },
        { name: './a', content: '2' },
      ],
      /"a" is in it twice/,
    ],
  ])('refuses a context with %s', async (_, entries, reason) => {
    const { template } = await yard.build('web', ['COPY . /'], tar(...entries));
    expect(template).toMatchObject({ state: 'failed', reason: expect.stringMatching(reason) });
    expect(yard.host.copied).toEqual([]);
  });

  it('refuses a context that is no tar, is too large, or does not come', async () => {
    expect((await yard.build('web', ['COPY . /'], Readable.from([Buffer.alloc(2_000, 7)]))).template.reason).toMatch(
      /not a whole tar archive/,
    );
    expect(() =>
      yard.templates.build({ name: 'web', version: '1', confile: 'FROM debian:bookworm', contextBytes: 2n ** 40n }),
    ).toThrow(/at most 268435456 are allowed/);
    await yard.reopen({ uploadTimeoutMs: 10 });
    yard.templates.build({ name: 'late', version: '1', confile: 'FROM debian:bookworm', contextBytes: 10n });
    expect((await yard.built('late')).template).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/did not arrive within 0.01 seconds/),
    });
    await expect(yard.take?.(files())).rejects.toThrow(/no longer/);
  });
});
