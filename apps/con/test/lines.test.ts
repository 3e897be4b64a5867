import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { readFileSync, readdirSync } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { pack } from 'tar-stream';
import { firstIdOf } from '../src/host/linux/idmap.js';
import { defaultAddress } from '../src/host/linux/net.js';
import { Ground } from './ground.js';
import { describeReal } from './real.js';

describeReal('lines of a Confile on a real host', () => {
  const ground = new Ground();
  const { lines, layers, config } = ground;
  let root = '';
  beforeAll(async () => {
    await ground.base(1);
    root = await layers.open(2, [1]);
  }, 20 * 60_000);
  afterAll(() => ground.leave(), 60_000);

  const sh = (command: string, more: Partial<Parameters<Ground['said']>[0]> = {}): ReturnType<Ground['said']> =>
    ground.said({ layer: 2, root, argv: ['/bin/sh', '-c', command], ...more });

  it('a line says what it says on both outputs, and its exit code is passed on', async () => {
    const { code, text } = await sh('echo out; echo err >&2; exit 3');
    expect(code).toBe(3);
    expect(text.split('\n').sort()).toEqual(['', 'err', 'out']);
  });

  it('a line that is killed ends with 137, one that is not there with 127', async () => {
    expect((await sh('kill -KILL $$')).code).toBe(137);
    expect((await ground.said({ layer: 2, root, argv: ['no-such-command'] })).code).toBe(127);
  });

  it('a daemon that a line leaves running ends with it', async () => {
    const { code } = await sh('sleep 10000 & (setsid sleep 10000 &) ; exit 0');
    expect(code).toBe(0);
    expect(sleepers()).toEqual([]);
  });

  it('ENV and WORKDIR are as the Confile says, the directory made, and nothing of the host comes along', async () => {
    const said = await sh('pwd; printf %s "$APP" | tr "\\n" "|"; echo; env | cut -d= -f1 | grep -v -e id | sort', {
      workdir: '/opt/app with space/x',
      environment: { APP: 'a b\n$(id)"\'', LANG: 'C' },
    });
    expect(said.code).toBe(0);
    expect(said.text).toBe('/opt/app with space/x\na b|$(id)"\'\nAPP\nHOME\nLANG\nPATH\nPWD\n');
  });

  it('security B: a line is a stranger on the host: other ids, no host path, no mount, no device, no other process', async () => {
    const { text } = await sh(
      [
        'cat /proc/self/uid_map | tr -s " "',
        'ls /work /home/* /var/lib/berth 2>/dev/null',
        'mount -t tmpfs none /mnt 2>/dev/null && echo mounted',
        'mknod /tmp/disk b 254 0 2>/dev/null && echo made',
        'echo 1 2>/dev/null > /proc/sys/kernel/sysrq && echo written',
        'echo /bin/true 2>/dev/null > /proc/sys/kernel/core_pattern && echo written',
        'ls -d /proc/[0-9]* | wc -l',
        'find /sys/fs/cgroup -name release_agent 2>/dev/null',
      ].join('; '),
    );
    const [map, processes, ...rest] = text.trim().split('\n');
    expect(map?.trim()).toBe(`0 ${firstIdOf(config, 0)} 65536`);
    expect(Number(processes)).toBeLessThan(8);
    expect(rest).toEqual([]);
  });

  it('security B: a container that leaves its root by chroot finds itself, not the host', async () => {
    const perl = `perl -e 'mkdir "/tmp/c"; chroot "/tmp/c"; chdir ".." for 1..40; chroot "."; print join " ", grep { -e } "/work", "/.dockerenv", "/etc/debian_version"'`;
    expect((await sh(perl)).text).toBe('/etc/debian_version');
  });

  it('what a line leaves in /run is not in the layer', async () => {
    await sh('echo stale > /run/stale.pid');
    expect((await sh('ls -A /run | grep -c stale')).text).toBe('0\n');
  });

  it('services that a package wants to start are refused', async () => {
    expect((await sh('/usr/sbin/policy-rc.d; echo $?')).text).toBe('101\n');
  });

  it('a line reads its standard input, binary and long: how COPY unpacks a tar inside', async () => {
    const archive = pack();
    const content = Buffer.alloc(3_000_000, 'berth\0');
    archive.entry({ name: 'srv/data', mode: 0o640, uid: 7, gid: 8 }, content);
    archive.finalize();
    const said = await ground.said({ layer: 2, root, argv: ['tar', '-xpf', '-'], input: Readable.from(archive) });
    expect(said).toEqual({ code: 0, text: '' });
    const { text } = await sh('stat -c "%a %u %g %s" /srv/data');
    expect(text).toBe(`640 7 8 ${content.length}\n`);
  });

  it('an input that breaks off fails the line, whatever was read of it', async () => {
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from('half');
        await Promise.resolve();
        throw new Error('cut');
      })(),
    );
    await expect(ground.said({ layer: 2, root, argv: ['cat'], input: broken })).rejects.toThrow('cut');
  });

  it('a line with a network reaches out from an address of its own, one without reaches nothing', async () => {
    const server = createServer((socket) => socket.end(socket.remoteAddress ?? ''));
    const port = await listening(server);
    const host = (await sh('ip route', { network: true })).text;
    expect(host).toMatch(/^default via 169\.254\.0\.1 dev eth0/);
    const ask = `bash -c 'exec 3<>/dev/tcp/${defaultAddress() ?? ''}/${port} && cat <&3'`;
    expect((await sh(ask, { network: true })).text).toBe(config.addressPool.replace('.0.0/16', '.255.1'));
    expect((await sh(ask)).code).not.toBe(0);
    server.close();
  });

  it('lines that run at the same time have addresses of their own', async () => {
    const other = await layers.open(3, [1]);
    const address = 'ip -4 -o addr show eth0 | grep -o "10[.0-9]*/32"; ';
    const first = new PassThrough();
    const waiting = sh(`${address} read line`, { network: true, input: first, log: (chunk) => heard.write(chunk) });
    const heard = new PassThrough();
    const [seen] = (await once(heard, 'data')) as [Buffer];
    const second = await ground.said({ layer: 3, root: other, argv: ['/bin/sh', '-c', address], network: true });
    first.end('go\n');
    await waiting;
    expect(seen.toString()).not.toBe(second.text);
    await layers.removeLayer(3);
  });

  it('after a line nothing of it is on the host', async () => {
    await sh('true', { network: true });
    expect((await ground.traces()).filter((trace) => !trace.endsWith('/root'))).toEqual([]);
    expect(zombies()).toEqual([]);
  });

  it('a cancelled line is over at once, with all that it started', async () => {
    const cancel = new AbortController();
    const line = sh('sleep 10000 & setsid sleep 10000 & echo started; wait', {
      network: true,
      log: () => cancel.abort(),
      signal: cancel.signal,
    });
    await expect(line).rejects.toThrow('cancelled');
    expect(sleepers()).toEqual([]);
    expect((await ground.traces()).filter((trace) => !trace.endsWith('/root'))).toEqual([]);
  });

  it('a line that was cancelled before it began does not begin', async () => {
    await expect(sh('echo x', { signal: AbortSignal.abort() })).rejects.toThrow('cancelled');
  });

  it('a command or variable that would change what is run is refused', async () => {
    for (const argv of [['A=b', 'sh'], ['-i'], ['']]) {
      await expect(ground.said({ layer: 2, root, argv })).rejects.toMatchObject({ code: 'invalid' });
    }
    await expect(sh('true', { environment: { 'A B': 'c' } })).rejects.toMatchObject({ code: 'invalid' });
  });

  it('a fork bomb in a line is bounded, and ends with the line', async () => {
    const { code } = await sh('i=0; while [ $i -lt 6000 ]; do sleep 10000 & i=$((i+1)); done 2>/dev/null; exit 5');
    expect(code).not.toBe(0);
    expect(sleepers()).toEqual([]);
  }, 180_000);

  it('a line whose daemon is killed is ended by the next one, which leaves no mount, veth or cgroup', async () => {
    await ground.killed('line', await layers.open(4, [1]));
    expect(sleepers()).toHaveLength(1);
    expect((await ground.traces()).filter((trace) => trace.includes('/sys/fs/cgroup/'))).not.toEqual([]);
    await lines.clearLines();
    expect(await layers.layers()).toContain(4);
    await layers.removeLayer(4);
    expect((await ground.traces()).filter((trace) => !trace.endsWith('/2/root'))).toEqual([]);
    expect(sleepers()).toEqual([]);
    await lines.clearLines();
  });

  /** Processes with ids of this con's build range that sleep, on the whole host. */
  function sleepers(): string[] {
    return processes()
      .filter(({ status }) => /^Name:\tsleep$/m.test(status))
      .map(({ pid }) => pid);
  }

  function processes(): { pid: string; status: string }[] {
    return readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .flatMap((pid) => {
        try {
          return [{ pid, status: readFileSync(`/proc/${pid}/status`, 'utf8') }];
        } catch {
          return []; // it ended while we looked
        }
      })
      .filter(({ status }) => new RegExp(`^Uid:\\t${firstIdOf(config, 0)}\\t`, 'm').test(status));
  }

  function zombies(): string[] {
    return readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid))
      .flatMap((pid) => {
        try {
          return [readFileSync(`/proc/${pid}/stat`, 'utf8')];
        } catch {
          return []; // it ended while we looked
        }
      })
      .filter((stat) => new RegExp(`\\) Z ${process.pid} `).test(stat));
  }
});

async function listening(server: Server): Promise<number> {
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
