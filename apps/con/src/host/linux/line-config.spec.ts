import { describe, expect, it } from '@jest/globals';
import { lineArgv, lineConfig, type LinePlaces } from './line-config.js';

const places: LinePlaces = {
  root: '/run/con/building/5/root',
  firstId: 1_048_576,
  seccomp: '/run/berth/con/seccomp',
  cgroup: { box: 'con/lines/5/box', monitor: 'con/lines/5/monitor', pivot: 'con/pivot' },
  unified: { memory: false, pids: false },
  memoryBytes: 1024n,
  bound: { resolver: '/run/con/lines/5/resolv.conf', policy: '/run/con/lines/5/policy-rc.d' },
};

describe('what LXC is told of a line', () => {
  it('a line without a network has an empty one, never the host’s', () => {
    expect(lineConfig(places)).toContain('lxc.net.0.type = empty');
  });

  it('a line with a network has a veth and an address of its own', () => {
    const text = lineConfig({ ...places, network: { veth: 'conb7', address: '10.77.255.7' } });
    expect(text).toContain('lxc.net.0.veth.pair = conb7\n');
    expect(text).toContain('lxc.net.0.ipv4.address = 10.77.255.7/32\n');
  });

  it('limits are named as the host’s cgroups call them', () => {
    expect(lineConfig(places)).toContain('lxc.cgroup.memory.limit_in_bytes = 1024');
    const unified = lineConfig({ ...places, unified: { memory: true, pids: true } });
    expect(unified).toContain('lxc.cgroup2.memory.max = 1024');
    expect(unified).toContain('lxc.cgroup2.pids.max = ');
  });

  it('what is done beside a container has few processes and a part of one core', () => {
    const few = { pids: 32, cpuMillis: 500, unifiedCpu: false };
    expect(lineConfig({ ...places, few })).toContain('lxc.cgroup.pids.max = 32\n');
    expect(lineConfig({ ...places, few })).toContain('lxc.cgroup.cpu.cfs_quota_us = 50000\n');
    expect(lineConfig({ ...places, few: { ...few, unifiedCpu: true } })).toContain(
      'lxc.cgroup2.cpu.max = 50000 100000',
    );
  });

  it('a path that would be another setting is refused', () => {
    for (const root of ['/a b', '/a\nlxc.cap.drop =', '/a/../b', 'a']) {
      expect(() => lineConfig({ ...places, root })).toThrow('cannot use the path');
    }
  });
});

describe('the words of a line', () => {
  const line = { argv: ['/bin/sh', '-c', 'true'], workdir: '/srv', environment: {} };

  it('variables, directory and command are words, whatever they hold', () => {
    const words = lineArgv({ ...line, workdir: '/a b', environment: { KEY: '$(id)\n;"' } });
    expect(words).toContain('/a b');
    expect(words).toContain('KEY=$(id)\n;"');
    expect(words.slice(-3)).toEqual(line.argv);
  });

  it('ENV wins over what every line finds', () => {
    expect(lineArgv({ ...line, environment: { HOME: '/srv' } }).filter((word) => word.startsWith('HOME='))).toEqual([
      'HOME=/srv',
    ]);
  });
});
