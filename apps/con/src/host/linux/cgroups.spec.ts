import { describe, expect, it } from '@jest/globals';
import { Cgroups } from './cgroups.js';

function host(files: Record<string, string>): Cgroups {
  return new Cgroups({ name: 'con' }, (path) => files[path] ?? '');
}

const v1 = host({
  '/proc/1/cgroup': '9:name=systemd:/init.scope\n4:memory:/\n2:cpu,cpuacct:/machine\n0::/\n',
  '/proc/mounts': [
    'tmpfs /sys/fs/cgroup tmpfs rw 0 0',
    'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0',
    'cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0',
    'cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0',
  ].join('\n'),
  '/sys/fs/cgroup/unified/cgroup.controllers': '\n',
});

const v2 = host({
  '/proc/1/cgroup': '0::/init.scope\n',
  '/proc/mounts': 'cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate 0 0\n',
  '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma\n',
});

describe('cgroups', () => {
  it('of version 1 are found where each controller is mounted, below the cgroup of the host itself', () => {
    expect(v1.of('cpuacct')).toMatchObject({ version: 1, path: '/sys/fs/cgroup/cpu,cpuacct/machine' });
    expect(v1.of('memory')).toMatchObject({ version: 1, path: '/sys/fs/cgroup/memory' });
  });

  it('of version 2 are all in one place, whatever scope systemd put init in', () => {
    for (const controller of ['cpu', 'cpuacct', 'memory', 'pids', 'freezer'] as const) {
      expect(v2.of(controller)).toMatchObject({ version: 2, path: '/sys/fs/cgroup' });
    }
  });

  it('say which limit cannot be set', () => {
    expect(v1.of('pids')).toBeUndefined();
  });

  it('refuse a slot that is no number before it reaches a path', () => {
    for (const slot of [0, -1, 1.5, Number.NaN, 70_000]) expect(() => v2.box(slot)).toThrow('cannot use slot');
  });
});
