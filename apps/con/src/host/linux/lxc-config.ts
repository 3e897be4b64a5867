import { isIPv6 } from 'node:net';
import { nameFault } from '@berth/container';
import { Problem } from '@berth/problem';
import { rangeWidth, type ContainerSpec } from '../runtime.js';
import { periodUs, quotaUs } from './limits.js';
import { gateway, gateway6 } from './names.js';

/** What con adds to a spec: names and places of its own. */
export type Places = Readonly<{
  /** The name inside LXC, and of the file that is touched when a life ends. */
  name: string;
  veth: string;
  firstId: bigint;
  eventsDirectory: string;
  /** The file that names the system calls nobody inside may make. */
  seccomp: string;
  cgroup: Readonly<{ box: string; monitor: string; pivot: string }>;
  /** Beside the IPv4 address, where the host has IPv6. */
  address6?: string | undefined;
  /** Which controllers are cgroup v2's. */
  unified: Readonly<{ cpu: boolean; memory: boolean; pids: boolean }>;
  /** False where the kernel does not count swap, and the file that bounds it is missing. */
  swap: boolean;
}>;

/**
 * Everything LXC is told of one container. Nothing is included from the distribution's own files: what a container may
 * do stands here, and a package that adds a hook or a mount to `common.conf.d` changes nothing.
 */
export function lxcConfig(spec: ContainerSpec, places: Places): string {
  return [
    `lxc.uts.name = ${hostname(spec.hostname)}`,
    `lxc.rootfs.path = dir:${path(spec.root)}`,
    ...identity(places),
    `lxc.seccomp.profile = ${path(places.seccomp)}`,
    ...confinement,
    ...mounts(spec.limits.memoryBytes),
    ...network(spec, places),
    ...cgroup(spec, places),
    ...hooks(places),
    ...Object.entries(spec.environment).map(([key, value]) => `lxc.environment = ${variable(key, value)}`),
    '',
  ].join('\n');
}

function identity({ firstId }: Places): string[] {
  return [`lxc.idmap = u 0 ${firstId} ${rangeWidth}`, `lxc.idmap = g 0 ${firstId} ${rangeWidth}`];
}

/**
 * Capabilities that only ever matter to a whole machine. Those that stay are worth something in the container's own
 * user namespace alone; systemd, package managers and `ping` need them.
 */
const confinement = [
  'lxc.cap.drop = mac_admin mac_override sys_time sys_module sys_rawio sys_pacct syslog wake_alarm block_suspend',
  'lxc.cap.drop = audit_control audit_read perfmon bpf checkpoint_restore mknod',
  'lxc.mount.auto = cgroup:mixed proc:mixed sys:mixed',
  'lxc.autodev = 1',
  'lxc.tty.max = 0',
  // What is written to a console, LXC's monitor reads: outside the container's limits and bill.
  'lxc.console.path = none',
  'lxc.pty.max = 1024',
];

/** Files in memory count as memory; filling them must not reach the limit, where the kernel would end the container's init. */
function mounts(memoryBytes: bigint): string[] {
  return [
    `lxc.mount.entry = tmpfs dev/shm tmpfs rw,nosuid,nodev,size=${memoryBytes / 2n},mode=1777,create=dir 0 0`,
    `lxc.mount.entry = tmpfs run tmpfs rw,nosuid,nodev,size=${memoryBytes / 5n},mode=755,create=dir 0 0`,
  ];
}

function network(spec: ContainerSpec, { veth, address6: six }: Places): string[] {
  return [
    'lxc.net.0.type = veth',
    'lxc.net.0.veth.mode = router',
    `lxc.net.0.veth.pair = ${veth}`,
    'lxc.net.0.name = eth0',
    'lxc.net.0.flags = up',
    `lxc.net.0.ipv4.address = ${address(spec.address)}/32`,
    `lxc.net.0.ipv4.gateway = ${gateway}`,
    ...(six === undefined
      ? []
      : [`lxc.net.0.ipv6.address = ${address6(six)}/128`, `lxc.net.0.ipv6.gateway = ${gateway6}`]),
  ];
}

function cgroup({ limits }: ContainerSpec, { cgroup: { box, monitor, pivot }, unified, swap }: Places): string[] {
  const [quota, period] = [quotaUs(limits), periodUs];
  return [
    `lxc.cgroup.dir.container = ${box}`,
    `lxc.cgroup.dir.monitor = ${monitor}`,
    `lxc.cgroup.dir.monitor.pivot = ${pivot}`,
    ...(unified.memory
      ? [`lxc.cgroup2.memory.max = ${limits.memoryBytes}`, ...(swap ? ['lxc.cgroup2.memory.swap.max = 0'] : [])]
      : [
          `lxc.cgroup.memory.limit_in_bytes = ${limits.memoryBytes}`,
          ...(swap ? [`lxc.cgroup.memory.memsw.limit_in_bytes = ${limits.memoryBytes}`] : []),
        ]),
    ...(unified.cpu
      ? [`lxc.cgroup2.cpu.max = ${quota} ${period}`]
      : [`lxc.cgroup.cpu.cfs_period_us = ${period}`, `lxc.cgroup.cpu.cfs_quota_us = ${quota}`]),
    `lxc.${unified.pids ? 'cgroup2' : 'cgroup'}.pids.max = ${limits.pids}`,
    // Each costs the kernel memory that no limit of v1 counts; v1 has no such bound.
    ...(unified.pids ? ['lxc.cgroup2.cgroup.max.descendants = 1024', 'lxc.cgroup2.cgroup.max.depth = 32'] : []),
  ];
}

/** Version 1 hands arguments over as environment; version 0 would make a file of each. */
function hooks({ eventsDirectory, name }: Places): string[] {
  return ['lxc.hook.version = 1', `lxc.hook.post-stop = /usr/bin/touch ${path(eventsDirectory)}/${name}`];
}

function hostname(name: string): string {
  if (nameFault(name)) throw new Problem('invalid', 'cannot use that host name: it must be a DNS label');
  return name;
}

function address(text: string): string {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return text;
  throw new Problem('invalid', 'cannot use that address: it must be four numbers with dots between');
}

function address6(text: string): string {
  if (isIPv6(text)) return text;
  throw new Problem('invalid', 'cannot use that address: it must be one of IPv6');
}

/** Paths come from con's own configuration; LXC splits lines at spaces and hands hooks to a shell. */
function path(text: string): string {
  if (/^\/[\w./-]*$/.test(text) && !text.includes('..')) return text;
  throw new Problem('invalid', `cannot use the path ${JSON.stringify(text)}: only letters, digits, and . _ - / work`);
}

/** LXC reads a value to the end of its line, so that a second line would be a setting. */
function variable(key: string, value: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key)) {
    throw new Problem(
      'invalid',
      `cannot hand over a variable called ${JSON.stringify(key)}: use letters, digits and _`,
    );
  }
  if (/[\0\r\n]/.test(value)) throw new Problem('invalid', `cannot hand over ${key}: its value must be one line`);
  return `${key}=${value}`;
}
