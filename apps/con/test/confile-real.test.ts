import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { putStream, webSocketTo } from '@berth/con-protocol';
import { WebSocket } from 'ws';
import { ownCon, startCon, type RunningCon } from '../../../tools/con-service.js';
import { sweepHost } from '../../../tools/sweep.js';
import { describeReal } from './real.js';
import { tar, type File } from './yard.js';

const bases = process.env['BERTH_TEST_CACHE'] ?? '/var/cache/berth-test';

describeReal('a Confile on a real host', () => {
  const options = { ...ownCon('linux'), env: { CON_BASE_CACHE: bases } };
  let con: RunningCon;
  let count = 0;

  beforeAll(async () => {
    con = await startCon(options);
    await build('true', []);
  }, 900_000);
  afterAll(async () => {
    await con.stop();
    await sweepHost(options);
  }, 60_000);

  /** Builds it on the base, and answers how it ended and what its last line printed. */
  async function build(confile: string, files: readonly File[], args?: Record<string, string>) {
    count += 1;
    const key = { name: `t${count}`, version: '1' };
    const body = await buffer(tar(...files));
    const sent = files.length > 0 ? { contextBytes: BigInt(body.length) } : {};
    const text = `FROM debian:bookworm\n${confile === 'true' ? '' : confile}\n`;
    const { upload } = await con.client['templates.build']({
      ...key,
      confile: text,
      ...sent,
      ...(args ? { args } : {}),
    });
    if (upload) await putStream({ socketPath: con.socket }, upload, BigInt(body.length), Readable.from([body]));
    for (;;) {
      const { template, steps } = await con.client['templates.get'](key);
      const line = template.line ?? steps.at(-1)?.line ?? 1;
      if (template.state === 'building') await delay(20);
      else return { ...template, said: (await con.client['templates.log']({ ...key, line })).text };
    }
  }

  const files: File[] = [
    { name: 'f', content: 'F\n', mode: 0o600, mtime: new Date('2020-01-01') },
    { name: 'd', type: 'directory', mode: 0o755 },
    { name: 'd/x', content: 'X\n', mode: 0o644 },
    { name: 'a&b', content: 'odd\n', mode: 0o644 },
  ];
  const last = (...lines: string[]): string => lines.join('\n');

  it('copies a file into a directory that the image has, to a name that it has not, and makes what is missing above it', async () => {
    const { said, state } = await build(
      last(
        'COPY f /opt',
        'COPY f /opt/new/name',
        'COPY a&b /srv',
        'RUN cat /opt/f /opt/new/name "/srv/a&b" && stat -c %a /opt/f /opt/new',
      ),
      files,
    );
    expect([state, said]).toEqual(['ready', 'F\nF\nodd\n600\n755\n']);
  });

  it('makes no directory that it copies into half a century old, and follows their links inside the image alone', async () => {
    const { said } = await build(
      last(
        'RUN mkdir /real && ln -s /real /link && ln -s ../../../../../etc /up && mkdir /old && touch -d 2001-01-01 /old',
        'COPY f /link/into',
        'COPY d /up/',
        'COPY d /old/sub/deep',
        'RUN cat /real/into /etc/x && stat -c %F /link && find / -xdev -maxdepth 3 -newermt 1971-01-01 -path "/old*" | sort',
      ),
      files,
    );
    expect(said).toBe('F\nX\nsymbolic link\n/old\n/old/sub\n/old/sub/deep\n');
  });

  it('refuses to put a directory where the image has a file, and says so', async () => {
    const { state, said } = await build('COPY d /etc/passwd', files);
    expect([state, said]).toEqual(['failed', 'cannot copy a directory to /etc/passwd: it is a file\n']);
  });

  it('gives what it copies an owner by the image’s own lists, and a mode; names nobody knows end the build', async () => {
    const { said } = await build(
      last(
        'COPY --chown=www-data --chmod=0640 d /data',
        'COPY --chown=mail:adm f /mailed',
        'COPY --chown=77:88 f /numbered',
        'RUN stat -c "%U:%G %a" /data /data/x /mailed && stat -c "%u:%g" /numbered',
      ),
      files,
    );
    expect(said).toBe('www-data:www-data 750\nwww-data:www-data 640\nmail:adm 600\n77:88\n');
    expect(await build('COPY --chown=nobody-here f /x', files)).toMatchObject({
      state: 'failed',
      said: 'there is no user nobody-here\n',
      reason: expect.stringMatching(/knows no such user/),
    });
  });

  it('runs here-documents, writes those of COPY, and gives ARGs to the lines below them alone', async () => {
    const { said, state } = await build(
      last(
        'ARG WHO=nobody',
        'COPY --chmod=0755 <<EOF /usr/local/bin/greet',
        '#!/bin/sh',
        'echo "hello $WHO, \\$1"',
        'EOF',
        'RUN <<EOF',
        '#!/usr/bin/perl',
        'print "perl $ENV{WHO}\\n" if open my $f, ">", "/made";',
        'EOF',
        'RUN greet you && cat <<END && test -e /made && test ! -e /tmp/tmp.* ',
        'between $WHO',
        'END',
      ),
      [],
      { WHO: 'ada' },
    );
    expect([state, said]).toEqual(['ready', 'hello ada, you\nbetween ada\n']);
  });

  it('runs lines with an ARG anew for another value of it, and those above from the cache', async () => {
    const confile = last('RUN date +%N > /stamp', 'ARG A', 'RUN cat /stamp; echo "$A"');
    const [one, two, again] = [
      await build(confile, [], { A: '1' }),
      await build(confile, [], { A: '2' }),
      await build(confile, [], { A: '1' }),
    ];
    expect([two.said, again.said]).toEqual([one.said.replace('\n1\n', '\n2\n'), one.said]);
  });

  it('tells running and answering apart, by a path and by a command', async () => {
    const { name } = await build(
      last(
        "COPY --chmod=0755 <<'END' /usr/local/bin/page",
        '#!/usr/bin/perl',
        'use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1);',
        'while (my $c = $s->accept) { 1 while (<$c> // "\\r\\n") ne "\\r\\n"; print $c "HTTP/1.0 ".(-e "/ill" ? 500 : 204)." x\\r\\n\\r\\n" }',
        'END',
        'COPY <<END /etc/systemd/system/page.service',
        '[Service]',
        'ExecStart=/usr/local/bin/page',
        '[Install]',
        'WantedBy=multi-user.target',
        'END',
        'RUN systemctl enable page',
        'EXPOSE 8080',
        'HEALTHCHECK --interval=1s --timeout=1s --retries=2 HTTP /',
      ),
      [],
    );
    const ask = await build('HEALTHCHECK --interval=1s --retries=2 CMD test ! -e /ill', []);
    for (const [id, template] of [
      ['page', name],
      ['ask', ask.name],
    ] as const) {
      await con.client['containers.create']({ id, name: id, owner: 'ann', template: { name: template, version: '1' } });
      await reached(async () => (await got(id)).container.state === 'stopped');
      await con.client['containers.start']({ id });
    }
    for (const id of ['page', 'ask']) {
      await reached(async () => (await got(id)).usage?.health === 'answering');
      await inside(id, 'touch /ill');
      await reached(async () => (await got(id)).usage?.health === 'failing');
      expect((await got(id)).container.state).toBe('running');
      await inside(id, 'rm /ill');
      await reached(async () => (await got(id)).usage?.health === 'answering');
    }
  }, 120_000);

  const got = (id: string) => con.client['containers.get']({ id });

  async function reached(holds: () => Promise<boolean>): Promise<void> {
    while (!(await holds())) await delay(50);
  }

  async function inside(id: string, command: string): Promise<void> {
    const { stream } = await con.client['containers.exec']({ id, argv: ['sh', '-c', command] });
    const { address, ...way } = webSocketTo({ socketPath: con.socket }, stream);
    const socket = new WebSocket(address, way);
    await new Promise((resolve, reject) => {
      socket.on('close', resolve).on('error', reject);
      socket.on('open', () => socket.send(Buffer.alloc(0), { binary: true }));
    });
  }
});
