import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { House } from './house.js';
import { describeReal } from './real.js';

/** What root inside tries, each to end with an error. Remounting first is what a real attacker would do. */
const attacks: readonly (readonly [what: string, command: string])[] = [
  ['make a device node', 'mknod /root/disk b 254 0'],
  ['make a device node in memory', 'mknod /dev/shm/disk b 254 0'],
  ['mount a disk of the host', 'mount -t ext4 /dev/vda /mnt || mount -t ext4 /dev/sda /mnt'],
  ['mount the kernel’s debugging files', 'mount -t debugfs none /mnt || mount -t tracefs none /mnt'],
  [
    'name a release agent in a hierarchy it mounted itself',
    'mount -t cgroup -o memory none /mnt; echo /tmp/x >/mnt/release_agent',
  ],
  ['tell the kernel whom to call when a program dies', 'echo "|/tmp/x" >/proc/sys/kernel/core_pattern'],
  ['the same after remounting', 'mount -o remount,rw /proc/sys; echo "|/tmp/x" >/proc/sys/kernel/core_pattern'],
  [
    'tell the kernel which program loads modules',
    'mount -o remount,rw /proc/sys; echo /tmp/x >/proc/sys/kernel/modprobe',
  ],
  ['press the magic key', 'echo h >/proc/sysrq-trigger'],
  ['write to sysfs', 'mount -o remount,rw /sys; echo 1 >/sys/kernel/mm/ksm/run || echo 1 >/sys/kernel/uevent_helper'],
  [
    'name a release agent',
    'for f in /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/release_agent; do echo /tmp/x >$f && exit 0; done; exit 1',
  ],
  ['raise its own memory limit', 'cd /sys/fs/cgroup; echo 4G >memory/memory.limit_in_bytes || echo max >memory.max'],
  ['raise its own limit of processes', 'cd /sys/fs/cgroup; echo max >pids/pids.max || echo max >pids.max'],
  ['set the clock', 'date -s @0'],
  ['read the host’s kernel log', 'dmesg'],
  ['open the host’s init', 'ls /proc/1/root/var/lib/berth'],
];

/** Numbers of x86-64 and of arm64 (asm/unistd.h); from 424 up all have the same. */
const number = (x64: number, arm64: number): number => (process.arch === 'x64' ? x64 : arm64);
const newUser = 0x10000000;
const errno = { perm: 1, noSystemCall: 38 };

/** What the kernel answers to a call from inside: perl hands it over as it is. */
const calls: readonly (readonly [what: string, words: readonly number[], answer: number])[] = [
  ['a user namespace of its own', [number(272, 97), newUser], errno.perm],
  ['a child in a user namespace of its own', [number(56, 220), newUser | 17, 0, 0, 0, 0], errno.perm],
  ['clone3, whose flags no filter sees', [435, 0, 0], errno.noSystemCall],
  ['io_uring', [425, 8, 0], errno.noSystemCall],
  ['userfaultfd', [number(323, 282), 0], errno.perm],
  ['bpf', [number(321, 280), 0, 0, 0], errno.perm],
  ['perf_event_open', [number(298, 241), 0, 0, 0, 0, 0], errno.perm],
  ['another kernel', [number(246, 104), 0, 0, 0, 0], errno.perm],
];

describeReal('security B: nobody gets out of a container', () => {
  const house = new House();
  const { runtime } = house.host;

  beforeAll(async () => {
    await house.enter();
    await house.start(1);
    await house.start(2, [], { range: 2 });
    await house.booted(1);
  }, 20 * 60_000);
  afterAll(() => house.leave(), 60_000);

  it.each(attacks)('root inside cannot %s', async (_what, command) => {
    const { code } = await house.said(1, 'sh', '-c', command);
    expect(code).not.toBe(0);
  });

  it.each(calls)('root inside is refused %s', async (_what, words, answer) => {
    const { output } = await house.said(1, 'perl', '-e', `print syscall(${words.join(', ')}) == -1 ? $! + 0 : 'done'`);
    expect(output).toBe(String(answer));
  });

  it('so is what systemd inside starts', async () => {
    const script = [
      'echo "exit(syscall(425, 8, 0) == -1 ? \\$! + 0 : 1)" > /root/try.pl',
      'mkdir -p /run/systemd/system',
      'printf "[Service]\\nType=oneshot\\nExecStart=/usr/bin/perl /root/try.pl\\n" > /run/systemd/system/try.service',
      'systemctl start try',
      'systemctl show --value --property ExecMainStatus try',
    ].join('; ');
    expect((await house.said(1, 'sh', '-c', script)).output).toMatch(/^38$/m);
  });

  it('system calls are filtered from its first program on, and capabilities over the whole machine are gone', async () => {
    const status = (await house.said(1, 'cat', '/proc/1/status')).output;
    expect(status).toMatch(/^Seccomp:\t2$/m);
    const bounding = BigInt(`0x${/^CapBnd:\t(\w+)$/m.exec(status)?.[1] ?? ''}`);
    const numbers = {
      sysModule: 16,
      sysRawio: 17,
      sysTime: 25,
      mknod: 27,
      macAdmin: 33,
      syslog: 34,
      perfmon: 38,
      bpf: 39,
    };
    expect(Object.entries(numbers).filter(([, bit]) => (bounding >> BigInt(bit)) & 1n)).toEqual([]);
  });

  it('two customers share no id with each other, nor with the host', async () => {
    const lives = await runtime.running();
    const maps = lives.map(({ initPid }) =>
      readFileSync(`/proc/${initPid}/uid_map`, 'utf8').trim().split(/\s+/).map(Number),
    );
    expect(maps.map(([inside, , count]) => [inside, count])).toEqual([
      [0, 65_536],
      [0, 65_536],
    ]);
    const [one = 0, other = 0] = maps.map(([, outside]) => outside ?? 0);
    expect(Math.abs(one - other)).toBeGreaterThanOrEqual(65_536);
    expect(Math.min(one, other)).toBeGreaterThanOrEqual(house.config.firstId);
    const groups = lives.map(({ initPid }) => readFileSync(`/proc/${initPid}/gid_map`, 'utf8'));
    expect(groups[0]).not.toBe(groups[1]);
  });

  it('no path of the host is mounted inside, but for the nodes of harmless devices', async () => {
    const { output } = await house.said(1, 'cat', '/proc/self/mountinfo');
    const mounts = output
      .trim()
      .split('\n')
      .map((line) => {
        const [own = '', kernel = ''] = line.split(' - ');
        return { at: own.split(' ')[4] ?? '', type: kernel.split(' ')[0] ?? '' };
      });
    const made = ['overlay', 'proc', 'sysfs', 'tmpfs', 'devpts', 'cgroup', 'cgroup2', 'mqueue', 'ramfs'];
    const foreign = mounts.filter(({ type }) => !made.includes(type)).map(({ at }) => at);
    expect(foreign.sort()).toEqual(['/dev/full', '/dev/null', '/dev/random', '/dev/tty', '/dev/urandom', '/dev/zero']);
  });

  it('filling the files in memory does not end the container', async () => {
    const { initPid } = (await runtime.running()).find(({ slot }) => slot === 1)!;
    const fill = 'dd if=/dev/zero of=/dev/shm/a bs=1M; dd if=/dev/zero of=/run/b bs=1M; rm /dev/shm/a /run/b';
    const { errors } = await house.said(1, 'sh', '-c', fill);
    expect(errors.match(/No space left on device/g)).toHaveLength(2);
    expect(await runtime.running()).toContainEqual(expect.objectContaining({ slot: 1, initPid }));
  }, 120_000);
});
