import { describe, expect, it } from '@jest/globals';
import { defaultLimits } from '@berth/container';
import type { ContainerSpec } from '../runtime.js';
import { lxcConfig, type Places } from './lxc-config.js';

const spec: ContainerSpec = {
  hostname: 'shop',
  range: 3,
  root: '/var/lib/berth/con/roots/7',
  address: '10.77.0.7',
  limits: { ...defaultLimits, cpuMillis: 1500, pids: 300 },
  environment: { BERTH_NAME: 'it\'s "quoted" = $x' },
};

const places: Places = {
  name: '7',
  veth: 'conv7',
  firstId: 1_245_184n,
  eventsDirectory: '/run/berth/con/ended',
  seccomp: '/run/berth/con/seccomp',
  cgroup: { box: 'con/7/box', monitor: 'con/7/monitor', pivot: 'con/pivot' },
  unified: { cpu: false, memory: false, pids: false },
  swap: true,
};

const settings = (text: string, key: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`${key} = `))
    .map((line) => line.slice(key.length + 3));

describe('what LXC is told', () => {
  const text = lxcConfig(spec, places);

  it("gives a container its owner's range of user ids and nobody else's", () => {
    expect(settings(text, 'lxc.idmap')).toEqual(['u 0 1245184 65536', 'g 0 1245184 65536']);
  });

  it('mounts nothing of the host into it: every entry is a file system in memory, smaller than the memory limit', () => {
    const entries = settings(text, 'lxc.mount.entry');
    expect(entries.map((entry) => entry.split(' ')[0])).toEqual(['tmpfs', 'tmpfs']);
    const sizes = entries.map((entry) => BigInt(/size=(\d+)/.exec(entry)?.[1] ?? 0));
    expect(sizes.reduce((a, b) => a + b)).toBeLessThan(spec.limits.memoryBytes);
    expect(text).not.toContain('lxc.include');
  });

  it('holds it to its limits in the words of cgroup v1', () => {
    expect(settings(text, 'lxc.cgroup.memory.limit_in_bytes')).toEqual(['536870912']);
    expect(settings(text, 'lxc.cgroup.memory.memsw.limit_in_bytes')).toEqual(['536870912']);
    expect(settings(text, 'lxc.cgroup.cpu.cfs_quota_us')).toEqual(['150000']);
    expect(settings(text, 'lxc.cgroup.pids.max')).toEqual(['300']);
  });

  it('holds it to its limits in the words of cgroup v2', () => {
    const unified = lxcConfig(spec, { ...places, unified: { cpu: true, memory: true, pids: true } });
    expect(settings(unified, 'lxc.cgroup2.memory.max')).toEqual(['536870912']);
    expect(settings(unified, 'lxc.cgroup2.memory.swap.max')).toEqual(['0']);
    expect(settings(unified, 'lxc.cgroup2.cpu.max')).toEqual(['150000 100000']);
    expect(settings(unified, 'lxc.cgroup2.pids.max')).toEqual(['300']);
    expect(unified).not.toContain('lxc.cgroup.memory');
  });

  it('passes a value on as it is, quotes and all', () => {
    expect(settings(text, 'lxc.environment')).toEqual(['BERTH_NAME=it\'s "quoted" = $x']);
  });

  it('refuses whatever would become a setting of its own', () => {
    const told = (changes: Partial<ContainerSpec>) => () => lxcConfig({ ...spec, ...changes }, places);
    expect(told({ environment: { A: 'x\nlxc.hook.pre-start = /bin/sh' } })).toThrow('its value must be one line');
    expect(told({ environment: { 'A B': 'x' } })).toThrow('cannot hand over a variable');
    expect(told({ hostname: 'a\nlxc.net.1.type = phys' })).toThrow('cannot use that host name');
    expect(told({ address: '10.0.0.1/0\nx' })).toThrow('cannot use that address');
    expect(told({ root: '/a b' })).toThrow('cannot use the path');
    expect(() => lxcConfig(spec, { ...places, eventsDirectory: '/run/x;reboot' })).toThrow('cannot use the path');
  });
});
