import { Problem } from '@berth/problem';
import { rangeWidth } from '../runtime.js';
import { periodUs, quotaUs } from './limits.js';
import { gateway } from './names.js';

/** What LXC is told of one line; every value is con's own, so that none can hold a second line. */
export type LinePlaces = Readonly<{
  root: string;
  firstId: number;
  /** The file that names the system calls nobody inside may make. */
  seccomp: string;
  cgroup: Readonly<{ box: string; monitor: string; pivot: string }>;
  unified: Readonly<{ memory: boolean; pids: boolean }>;
  memoryBytes: bigint;
  /** Absent: no network at all, not even the host's. */
  network?: Readonly<{ veth: string; address: string }>;
  /** Files bound over the line's own: the name servers to ask, and the policy that starts no service. */
  bound?: Readonly<{ resolver: string; policy: string }>;
  /** No more than these; absent: as many processes as a compiler wants, and every core. */
  few?: Readonly<{ pids: number; cpuMillis: number; unifiedCpu: boolean }>;
}>;

/** As many processes as a parallel compiler wants, and no fork bomb has. */
const mostPids = 4096;

/**
 * A line's container: a stranger on the host, without a capability that matters to a machine, that can mount nothing.
 * `/run` is memory, because what a line leaves there would be stale in every container.
 */
export function lineConfig(places: LinePlaces): string {
  const { cgroup, unified, firstId } = places;
  return [
    'lxc.uts.name = build',
    `lxc.rootfs.path = dir:${plain(places.root)}`,
    `lxc.idmap = u 0 ${firstId} ${rangeWidth}`,
    `lxc.idmap = g 0 ${firstId} ${rangeWidth}`,
    `lxc.seccomp.profile = ${plain(places.seccomp)}`,
    'lxc.cap.drop = sys_admin sys_boot sys_time sys_module sys_rawio sys_pacct sys_tty_config syslog mknod',
    'lxc.cap.drop = mac_admin mac_override wake_alarm block_suspend audit_control audit_read perfmon bpf checkpoint_restore',
    'lxc.mount.auto = proc:mixed sys:ro',
    'lxc.mount.entry = tmpfs run tmpfs rw,nosuid,nodev,mode=755,create=dir 0 0',
    'lxc.mount.entry = tmpfs dev/shm tmpfs rw,nosuid,nodev,mode=1777,create=dir 0 0',
    ...binds(places.bound),
    'lxc.autodev = 1',
    'lxc.tty.max = 0',
    'lxc.pty.max = 64',
    ...network(places.network),
    `lxc.cgroup.dir.container = ${cgroup.box}`,
    `lxc.cgroup.dir.monitor = ${cgroup.monitor}`,
    `lxc.cgroup.dir.monitor.pivot = ${cgroup.pivot}`,
    unified.memory
      ? `lxc.cgroup2.memory.max = ${places.memoryBytes}`
      : `lxc.cgroup.memory.limit_in_bytes = ${places.memoryBytes}`,
    `lxc.${unified.pids ? 'cgroup2' : 'cgroup'}.pids.max = ${places.few?.pids ?? mostPids}`,
    ...cpu(places.few),
    '',
  ].join('\n');
}

function binds(bound: LinePlaces['bound']): string[] {
  if (!bound) return [];
  return [
    `lxc.mount.entry = ${plain(bound.resolver)} etc/resolv.conf none bind,ro,optional 0 0`,
    `lxc.mount.entry = ${plain(bound.policy)} usr/sbin/policy-rc.d none bind,ro,optional 0 0`,
  ];
}

function cpu(few: LinePlaces['few']): string[] {
  if (!few) return [];
  const quota = quotaUs(few);
  return few.unifiedCpu
    ? [`lxc.cgroup2.cpu.max = ${quota} ${periodUs}`]
    : [`lxc.cgroup.cpu.cfs_period_us = ${periodUs}`, `lxc.cgroup.cpu.cfs_quota_us = ${quota}`];
}

/** `empty` has a loopback and nothing else; without any setting LXC would share the host's own network. */
function network(wanted: LinePlaces['network']): string[] {
  if (!wanted) return ['lxc.net.0.type = empty', 'lxc.net.0.flags = up'];
  return [
    'lxc.net.0.type = veth',
    'lxc.net.0.veth.mode = router',
    `lxc.net.0.veth.pair = ${wanted.veth}`,
    'lxc.net.0.name = eth0',
    'lxc.net.0.flags = up',
    `lxc.net.0.ipv4.address = ${wanted.address}/32`,
    `lxc.net.0.ipv4.gateway = ${gateway}`,
  ];
}

/** LXC splits at spaces. */
function plain(path: string): string {
  if (/^\/[\w./-]+$/.test(path) && !path.includes('..')) return path;
  throw new Problem('invalid', `cannot use the path ${JSON.stringify(path)}: only letters, digits, and . _ - / work`);
}

/**
 * Runs inside, as the parent of the line's command: goes to its directory, which is made where it is missing, and ends
 * whatever the command left running, because LXC waits for every orphan.
 */
const around = [
  'mkdir -p -- "$1" && cd -- "$1" || exit 126',
  'shift',
  'env -i "$@"',
  'code=$?',
  'kill -KILL -1 2>/dev/null',
  'exit $code',
].join('\n');

/** Every line finds these, unless its ENV says otherwise. */
const always = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' };

/** A line's words, with its directory and environment; nothing of the host's environment comes along. */
export function lineArgv(
  line: Readonly<{ argv: readonly string[]; workdir: string; environment: Readonly<Record<string, string>> }>,
): string[] {
  const [command = ''] = line.argv;
  // `env` would take such a command for one more variable.
  if (command === '' || command.startsWith('-') || command.includes('=')) {
    throw new Problem('invalid', `cannot run ${JSON.stringify(command)}: a command's name has no = and no - in front`);
  }
  const variables = Object.entries({ ...always, ...line.environment });
  for (const [key, value] of variables) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(key) || value.includes('\0')) {
      throw new Problem(
        'invalid',
        `cannot set the variable ${JSON.stringify(key)}: use letters, digits and _ in its name`,
      );
    }
  }
  return [
    '/bin/sh',
    '-c',
    around,
    'line',
    line.workdir,
    ...variables.map(([key, value]) => `${key}=${value}`),
    ...line.argv,
  ];
}
