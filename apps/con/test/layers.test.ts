import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { must, open, run } from '../src/host/linux/exec.js';
import { firstIdOf } from '../src/host/linux/idmap.js';
import { OverlayLayers } from '../src/host/linux/layers.js';
import { mountPoints } from '../src/host/linux/mounts.js';
import { identify } from '../src/host/linux/process.js';
import { layerName } from '../src/host/linux/shelf.js';
import { endSurvivors } from '../src/host/linux/survivors.js';
import { Ground } from './ground.js';
import { describeReal } from './real.js';

const GiB = 1024n ** 3n;

describeReal('layers on a real host', () => {
  const ground = new Ground();
  const { layers, config } = ground;
  beforeAll(() => ground.base(1), 20 * 60_000);
  afterAll(() => ground.leave(), 60_000);

  it('a base knows neither the name nor the resolver nor the ids of its host', async () => {
    const { text } = await ground.built(
      2,
      [1],
      'test ! -s /etc/machine-id; echo $?; ls /etc/hostname /etc/ssh 2>/dev/null; ls -A /var/lib/apt/lists | grep -v -e partial -e lock',
    );
    expect(text).toBe('0\n');
    const root = ground.shelf.layer(1);
    expect(statSync(`${root}/etc/machine-id`).size).toBe(0);
    expect(statSync(`${root}/etc/resolv.conf`).size).toBe(0);
    expect(statSync(`${root}/usr/sbin/policy-rc.d`).mode & 0o777).toBe(0o644);
  });

  it('a base fetches its packages from where it came from, security among them', () => {
    const sources = readFileSync(`${ground.shelf.layer(1)}/etc/apt/sources.list`, 'utf8');
    expect(sources).toMatch(/^deb \S+ bookworm main$/m);
    expect(sources).toMatch(/^deb \S+ bookworm-security main$/m);
  });

  it('what a line deletes is gone for the lines below it, and stays in the layer above', async () => {
    await ground.built(3, [1], 'mkdir /srv/old && echo 1 > /srv/old/file && echo 2 > /srv/kept');
    await ground.built(14, [3, 1], 'rm -r /srv/old');
    const { text } = await ground.built(5, [14, 3, 1], 'ls /srv');
    expect(text).toBe('kept\n');
    expect((await ground.built(6, [3, 1], 'ls /srv')).text).toBe('kept\nold\n');
  });

  it('a directory made anew over a deleted one does not show what was in the old one', async () => {
    await ground.built(7, [1], 'mkdir /srv/data && touch /srv/data/old');
    await ground.built(8, [7, 1], 'rm -r /srv/data && mkdir /srv/data && touch /srv/data/new');
    expect((await ground.built(9, [8, 7, 1], 'ls /srv/data')).text).toBe('new\n');
  });

  it('a directory that a line renames keeps its content', async () => {
    await ground.built(10, [1], 'mkdir /srv/before && echo here > /srv/before/file');
    await ground.built(11, [10, 1], 'mv /srv/before /srv/after');
    expect((await ground.built(12, [11, 10, 1], 'ls /srv; cat /srv/after/file')).text).toBe('after\nhere\n');
  });

  it('setuid bits and file capabilities reach a customer whose ids are others', async () => {
    const tool = '/usr/local/bin/tool';
    await ground.built(20, [1], `cp /bin/true ${tool} && chown 33:33 ${tool} && chmod 4755 ${tool}`);
    // CAP_NET_RAW, permitted and effective, in the form that names no root id yet (xattr(7), capabilities(7)).
    const root = await layers.open(21, [20, 1]);
    const perl = `cp /bin/true /srv/ping; ${setCapability}`;
    expect(await ground.said({ layer: 21, root, argv: ['/bin/sh', '-c', perl] })).toEqual({ code: 0, text: '' });
    await layers.seal(21);
    await layers.createVolume(1, 5, GiB);
    const mounted = await layers.mount(1, 5, [21, 20, 1]);
    const stat = lstatSync(`${mounted}${tool}`);
    expect(stat.mode & 0o7777).toBe(0o4755);
    expect(stat.uid).toBe(firstIdOf(config, 5) + 33);
    expect(await capabilityRoot(`${mounted}/srv/ping`)).toBe(firstIdOf(config, 5));
    await layers.unmount(1);
  });

  it('two customers each see the files of one template as owned by their own root', async () => {
    await layers.createVolume(2, 7, GiB);
    await layers.createVolume(3, 8, GiB);
    const roots = [await layers.mount(2, 7, [1]), await layers.mount(3, 8, [1])];
    expect(roots.map((root) => statSync(`${root}/etc/passwd`).uid)).toEqual([
      firstIdOf(config, 7),
      firstIdOf(config, 8),
    ]);
    await layers.unmount(2);
    await layers.unmount(3);
    expect(mountPoints().has(roots[0]!)).toBe(false);
  });

  it('what one container writes, another of the same template and customer does not see', async () => {
    await layers.createVolume(4, 7, GiB);
    await layers.createVolume(5, 7, GiB);
    const [one, other] = [await layers.mount(4, 7, [1]), await layers.mount(5, 7, [1])];
    writeFileSync(`${one}/srv/mine`, '');
    expect(existsSync(`${other}/srv/mine`)).toBe(false);
    await layers.removeVolume(4);
    await layers.removeVolume(5);
    expect((await layers.volumes()).filter((slot) => slot === 4 || slot === 5)).toEqual([]);
  });

  it('a chain laid down as one layer shows what the chain shows: nothing deleted comes back, links and attributes stay', async () => {
    const change =
      'cd /srv && mkdir kept gone moved && echo 1 > kept/a && ln kept/a kept/b && touch gone/file moved/file';
    await ground.built(60, [1], `${change} && cp /bin/true suid && chown 33:33 suid && chmod 4755 suid`);
    await ground.built(61, [60, 1], 'cd /srv && rm -r gone && mkdir gone && mv moved renamed && rm /etc/motd');
    const show = 'cd /srv && ls -R . && stat -c "%u %a" suid && stat -c %h kept/a && ls /etc | wc -l';
    const before = await ground.built(62, [61, 60, 1], show);
    const { bytes } = await layers.flatten(63, [61, 60, 1]);
    expect(bytes).toBeGreaterThan(100n * 1024n * 1024n);
    expect((await ground.built(64, [63], show)).text).toBe(before.text);
    expect(before.text).toMatch(/33 4755\n2\n/);
    // Nothing of overlayfs is left in it: a directory that was made anew hides nothing below the new layer.
    expect((await ground.built(66, [63, 60, 1], 'ls /srv/gone')).text).toBe('file\n');
    await expect(layers.flatten(63, [1])).rejects.toMatchObject({ code: 'conflict' });
    await expect(layers.flatten(65, [31_337, 1])).rejects.toMatchObject({ code: 'unavailable' });
    expect(await layers.layers()).not.toContain(65);
    expect((await ground.traces()).filter((path) => path.includes('/building/'))).toEqual([]);
  }, 180_000);

  it('three hundred layers make one root, in one page of mount options', async () => {
    const chain = Array.from({ length: 300 }, (_, at) => 1000 + at);
    for (const layer of chain) {
      mkdirSync(`${ground.shelf.layer(layer)}/srv`, { recursive: true });
      writeFileSync(`${ground.shelf.layer(layer)}/srv/${layer}`, '');
    }
    await layers.createVolume(6, 9, GiB);
    const root = await layers.mount(6, 9, [...chain, 1]);
    expect((await must(['ls', `${root}/srv`])).trim().split('\n')).toHaveLength(300);
    await layers.removeVolume(6);
    await Promise.all(chain.map((layer) => layers.removeLayer(layer)));
  }, 60_000);

  it('more layers than a page of options names are refused, not cut off', async () => {
    await layers.createVolume(7, 9, GiB);
    const chain = Array.from({ length: 900 }, (_, at) => 40_000_000 + at);
    await expect(layers.mount(7, 9, chain)).rejects.toMatchObject({ code: 'invalid' });
    await layers.removeVolume(7);
  });

  it('bytes of a volume are what was allocated, and a link out of it adds nothing', async () => {
    await layers.createVolume(8, 9, GiB);
    const root = await layers.mount(8, 9, [1]);
    const before = (await layers.volumeBytes(8)).ownBytes;
    writeFileSync(`${root}/srv/data`, Buffer.alloc(1024 * 1024, 1));
    symlinkSync('/usr', `${root}/srv/elsewhere`);
    symlinkSync('/', `${root}/srv/host`);
    const grown = (await layers.volumeBytes(8)).ownBytes - before;
    expect(grown).toBeGreaterThanOrEqual(1024n * 1024n);
    expect(grown).toBeLessThan(1200n * 1024n);
    await layers.removeVolume(8);
  });

  it('removing a volume does not follow a link that its container left', async () => {
    await layers.createVolume(9, 9, GiB);
    const canary = `${config.home}/canary`;
    mkdirSync(canary);
    writeFileSync(`${canary}/file`, '');
    symlinkSync(canary, `${await layers.mount(9, 9, [1])}/trap`);
    await layers.removeVolume(9);
    expect(statSync(`${canary}/file`).isFile()).toBe(true);
  });

  it('mounting, unmounting and removing twice is doing it once', async () => {
    await layers.createVolume(10, 9, GiB);
    await layers.createVolume(10, 9, GiB);
    expect(await layers.mount(10, 9, [1])).toBe(await layers.mount(10, 9, [1]));
    await layers.unmount(10);
    await layers.unmount(10);
    await layers.removeVolume(10);
    await layers.removeVolume(10);
    await layers.removeLayer(31_337);
  });

  it('a daemon that takes over finds what is mounted, and uses the mounts again', async () => {
    await layers.createVolume(12, 9, GiB);
    const root = await layers.mount(12, 9, [1]);
    const before = [...mountPoints()];
    const next = new OverlayLayers(config, ground.lines);
    await next.prepare();
    expect(await next.mount(12, 9, [1])).toBe(root);
    await layers.createVolume(13, 9, GiB);
    await next.mount(13, 9, [1]);
    const added = [...mountPoints()].filter((path) => path.startsWith(config.runDirectory) && !before.includes(path));
    expect(added.sort()).toEqual([ground.shelf.disk(13), ground.shelf.root(13)]);
    await next.unmountAll();
    expect((await ground.traces()).filter((path) => path.startsWith(config.runDirectory))).toEqual([]);
    expect(readFileSync(`${await layers.mount(12, 9, [1])}/etc/debian_version`, 'utf8')).toMatch(/^12/);
    await layers.removeVolume(12);
    await layers.removeVolume(13);
  });

  it('a layer that exists is not written over', async () => {
    await expect(layers.open(1, [2])).rejects.toMatchObject({ code: 'conflict' });
    await expect(
      layers.base(1, 'bookworm', { log: () => undefined, signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('a customer of the host finds no way into the roots of containers', async () => {
    await layers.createVolume(11, 9, GiB);
    const root = await layers.mount(11, 9, [1]);
    chmodSync(`${root}/srv`, 0o777);
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'];
    for (const path of [root, config.home, ground.shelf.layers]) {
      expect((await run([...nobody, 'ls', path])).code).toBe(2);
    }
    await layers.removeVolume(11);
  });

  it('a base whose daemon is killed is cleared away by the next one, the processes that lay it down first', async () => {
    await ground.killed('base');
    expect(await layers.layers()).toContain(4);
    await layers.removeLayer(4);
    expect((await must(['ps', '-eo', 'args'])).includes(config.runDirectory)).toBe(false);
    expect((await ground.traces()).filter((path) => path.includes('/unpacking/'))).toEqual([]);
    expect(await layers.layers()).not.toContain(4);
  });

  it('what outlived a daemon is known by a path of this con, and nobody else is ended', async () => {
    const [ours, other] = ['/a path/of ours', '/another path'].map((path) => open(['perl', '-e', 'sleep', path]));
    await endSurvivors((words) => words[0] === 'perl' && words.includes('/a path/of ours'));
    expect(await ours!.exit).toBe(137);
    expect(identify(other!.pid)).toBeDefined();
    other!.kill();
    await other!.exit;
  });

  it('processes of a container are never taken for what outlived a daemon, whatever words they bear', async () => {
    const inside = open([
      'unshare',
      '--user',
      '--pid',
      '--fork',
      'perl',
      '-e',
      '$| = 1; print 1; sleep',
      '/path/inside',
    ]);
    await once(inside.output, 'data');
    await endSurvivors((words) => words[0] === 'perl' && words.includes('/path/inside'));
    expect((await must(['ps', '-eo', 'args'])).includes('perl -e $| = 1; print 1; sleep /path/inside')).toBe(true);
    inside.kill();
    await inside.exit;
  });

  it('a suite that con does not know is refused, and one that is cancelled leaves nothing', async () => {
    const io = { log: () => undefined, signal: new AbortController().signal };
    await expect(layers.base(50, 'plan9', io)).rejects.toMatchObject({ code: 'invalid' });
    const cancel = new AbortController();
    const laid = layers.base(51, 'bookworm', { log: () => cancel.abort(), signal: cancel.signal });
    await expect(laid).rejects.toThrow('cancelled');
    expect(await layers.layers()).not.toContain(51);
    expect((await ground.traces()).filter((path) => path.includes(`/${layerName(51)}`))).toEqual([]);
  });
});

describeReal('layers on a disk that is full', () => {
  const ground = new Ground();
  const { layers, config } = ground;
  beforeAll(async () => {
    mkdirSync(config.home, { recursive: true });
    await must(['mount', '-t', 'tmpfs', '-o', 'size=8m,nr_inodes=100', 'none', config.home]);
    await layers.prepare();
  });
  afterAll(() => ground.leave(), 60_000);

  it('a base that does not fit says so, and leaves nothing', async () => {
    const before = await layers.space();
    const laid = layers.base(1, 'bookworm', { log: () => undefined, signal: new AbortController().signal });
    await expect(laid).rejects.toThrow('the disk is full');
    expect(await layers.layers()).toEqual([]);
    expect(await ground.traces()).toEqual([config.home]);
    expect(await layers.space()).toEqual(before);
  }, 180_000);

  it('a layer or a volume that does not fit says so, and leaves nothing', async () => {
    mkdirSync(ground.shelf.layer(1));
    for (let files = 0; fits(`${config.home}/${files}`); files++);
    await expect(layers.open(2, [1])).rejects.toThrow('the disk is full');
    await expect(layers.createVolume(1, 5, GiB)).rejects.toThrow('the disk is full');
    expect(await layers.layers()).toEqual([1]);
    expect(await layers.volumes()).toEqual([]);
    expect(await ground.traces()).toEqual([config.home]);
  });
});

function fits(path: string): boolean {
  try {
    writeFileSync(path, '');
    return true;
  } catch {
    return false; // no inode is left: what the test wants
  }
}

/** setcap(8) is not in a small Debian; perl is, and can make the system call: setxattr is 188 on x86-64, 5 on arm64. */
const setCapability = `perl -MPOSIX -e '
  my $n = (POSIX::uname())[4] eq "x86_64" ? 188 : 5;
  my ($path, $key, $value) = ("/srv/ping", "security.capability", pack("V5", 0x02000001, 0x2000, 0, 0, 0));
  syscall($n, $path, $key, $value, length $value, 0) == 0 or die "$!"
'`;

/** The id of the root whose capability it is, read from what the kernel stores with it (version 3 of the attribute). */
async function capabilityRoot(path: string): Promise<number> {
  const read = `
    my $n = (POSIX::uname())[4] eq "x86_64" ? 191 : 8;
    my ($path, $key, $value) = (@ARGV, "security.capability", "\\0" x 24);
    syscall($n, $path, $key, $value, length $value) == 24 or die "$!";
    print unpack("x20 V", $value)`;
  return Number(await must(['perl', '-MPOSIX', '-e', read, '--', path]));
}
