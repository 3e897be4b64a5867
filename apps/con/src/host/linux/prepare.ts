import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { Problem } from '@berth/problem';
import type { Config } from '../../config.js';
import type { Warning } from '../host.js';
import { readIfThere, type Cgroups, type Controller } from './cgroups.js';
import { settingOf, type Changes } from './changes.js';
import { run } from './exec.js';
import { forward6 } from './forward6.js';
import { rangesFrom, rangeWidth } from '../runtime.js';
import { tableOf } from './nft-sets.js';
import { defaultAddress } from './net.js';
import { makePrefix6, prefix6 } from './prefix6.js';
import { hostServers } from './resolver.js';

/** Kernel settings that hold back a host of a thousand containers, with the least that serves. */
const settings: readonly { key: string; least: number; why: string }[] = [
  { key: 'net.ipv4.ip_forward', least: 1, why: 'containers reach the network through this host' },
  { key: 'fs.inotify.max_user_instances', least: 65_536, why: "each container's init needs four, of one owner" },
  { key: 'fs.inotify.max_user_watches', least: 1_048_576, why: 'containers of one owner share them' },
  { key: 'kernel.pid_max', least: 4_194_304, why: 'a thousand containers have more than 32,768 threads' },
  { key: 'kernel.keys.maxkeys', least: 20_000, why: 'each service inside has a key ring of its own' },
  { key: 'kernel.keys.maxbytes', least: 2_000_000, why: 'each service inside has a key ring of its own' },
  { key: 'net.ipv4.neigh.default.gc_thresh3', least: 65_536, why: 'each container is a neighbour of this host' },
  { key: 'net.ipv4.neigh.default.gc_thresh2', least: 32_768, why: 'each container is a neighbour of this host' },
];

const commands: readonly { command: string; package: string; without: string }[] = [
  { command: 'mkfs.ext4', package: 'e2fsprogs', without: 'containers have no disks of their own' },
  { command: 'lxc-start', package: 'lxc', without: 'no container can be started' },
  { command: 'lxc-attach', package: 'lxc', without: 'no command can be run in a container' },
  { command: 'nft', package: 'nftables', without: 'no container has a network' },
  { command: 'ip', package: 'iproute2', without: 'no container has a network' },
  { command: 'debootstrap', package: 'debootstrap', without: 'no base of a template can be made' },
  { command: 'conntrack', package: 'conntrack', without: 'connections outlive a forward that was removed' },
];

/** Makes directories, sets what a thousand containers need and checks the rest; answers what it could not mend. */
export async function prepare(config: Config, cgroups: Cgroups, changes: Changes): Promise<Warning[]> {
  mustNotCollide(config);
  mkdirSync(config.home, { recursive: true, mode: 0o711 });
  mkdirSync(config.runDirectory, { recursive: true, mode: 0o711 });
  ownIds(config, changes);
  setKernel(changes);
  makePrefix6(config);
  if (prefix6(config) !== undefined) forward6(changes);
  return [
    ...missingCommands(),
    ...missingControllers(cgroups),
    ...(await missingOverlay()),
    ...(await missingLoops()),
    ...(await lxcTooOld()),
    ...(await neighbours(config)),
    ...(await otherFirewall(config)),
    ...network(config),
  ];
}

function setKernel(changes: Changes): void {
  for (const { key, least, why } of settings) {
    const now = settingOf(key);
    if (now !== undefined && Number(now) < least) changes.setting(key, `${least}`, why);
  }
}

/** LXC insists that root reserves the ids it maps, so that no other account of the host is given them. */
function ownIds(config: Config, changes: Changes): void {
  const line = `root:${config.firstId}:${rangesFrom(config.firstId) * rangeWidth}`;
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    if (!holdsIds(readIfThere(file) ?? '', config.firstId)) {
      changes.line(file, line, 'user ids of containers, apart from those of the host');
    }
  }
}

/** With fewer than this a line is not enough. */
const leastRanges = 1_000;

function holdsIds(text: string, firstId: number): boolean {
  return text.split('\n').some((line) => {
    const [who, first = NaN, count = NaN] = line.split(':').map((word, at) => (at === 0 ? word : Number(word)));
    return (
      who === 'root' && Number(first) <= firstId && Number(first) + Number(count) >= firstId + leastRanges * rangeWidth
    );
  });
}

function missingCommands(): Warning[] {
  const places = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  return commands
    .filter(({ command }) => !places.some((place) => existsSync(`${place}/${command}`)))
    .map((one) => ({ what: `${one.command} is missing: ${one.without}`, cure: `apt-get install ${one.package}` }));
}

function missingControllers(cgroups: Cgroups): Warning[] {
  const wanted: readonly Controller[] = ['cpu', 'cpuacct', 'memory', 'pids', 'freezer'];
  return wanted
    .filter((controller) => !cgroups.of(controller))
    .map((controller) => ({
      what: `the cgroup controller ${controller} is not there: containers are not held to that limit`,
      cure: `boot the kernel with it, for example cgroup_enable=${controller}`,
    }));
}

async function missingOverlay(): Promise<Warning[]> {
  const isThere = (): boolean => /\toverlay$/m.test(readFileSync('/proc/filesystems', 'utf8'));
  if (!isThere() && existsSync('/usr/sbin/modprobe')) await run(['modprobe', 'overlay']);
  return isThere() ? [] : [{ what: 'the kernel has no overlay file system', cure: 'modprobe overlay' }];
}

async function missingLoops(): Promise<Warning[]> {
  const isThere = (): boolean => existsSync('/dev/loop-control');
  if (!isThere() && existsSync('/usr/sbin/modprobe')) await run(['modprobe', 'loop']);
  const what = 'the kernel shows no loop devices: containers have no disks of their own';
  return isThere() ? [] : [{ what, cure: 'modprobe loop' }];
}

async function lxcTooOld(): Promise<Warning[]> {
  if (!existsSync('/usr/bin/lxc-start')) return [];
  const { output } = await run(['lxc-start', '--version']);
  if (Number.parseInt(output, 10) >= 5) return [];
  return [{ what: `LXC ${output.trim()} was not tried`, cure: 'install LXC 5 or later' }];
}

/** Rules are matched by the beginnings of interface names: `conb` would be taken for a line of `con`. */
async function neighbours(config: Config): Promise<Warning[]> {
  if (!existsSync('/usr/sbin/nft')) return [];
  const { code, output, errors } = await run(['nft', 'list', 'tables', 'inet']);
  if (code !== 0)
    return [{ what: `nftables does not answer: ${errors.trim()}`, cure: 'see whether the kernel has it' }];
  const others = [...output.matchAll(/^table inet berth_(\w+)$/gm)].map((match) => match[1]!);
  const clash = others.find((other) => other !== config.name && overlaps(other, config.name));
  if (clash === undefined) return [];
  throw new Problem(
    'conflict',
    `cannot use the name ${config.name} beside ${tableOf({ ...config, name: clash })}: choose one that does not begin like it`,
  );
}

/** What our table accepts, another table may still drop: Docker and some firewalls forward nothing but their own. */
async function otherFirewall({ name }: Config): Promise<Warning[]> {
  if (!existsSync('/usr/sbin/nft')) return [];
  const { output } = await run(['nft', 'list', 'chain', 'ip', 'filter', 'FORWARD']);
  if (!/policy drop;/.test(output)) return [];
  const cure = `iptables -I FORWARD -i ${name}v+ -j ACCEPT, and the same with -o (and with ${name}b+, for builds)`;
  return [{ what: 'another firewall of this host forwards nothing that it does not know', cure }];
}

export function overlaps(one: string, other: string): boolean {
  const veths = (name: string): string[] => [`${name}v`, `${name}b`];
  return veths(one).some((a) => veths(other).some((b) => a.startsWith(b) || b.startsWith(a)));
}

function mustNotCollide({ addressPool, addressPrefix6 }: Config): void {
  const prefix = addressPool.replace(/0\.0\/16$/, '');
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const prefix6 = addressPrefix6?.replace(/:\/64$/, '');
  const inPrefix6 = (address: string): boolean => prefix6 !== undefined && `${address}:`.startsWith(prefix6);
  const clash6 = own.find(({ family, address }) => family === 'IPv6' && inPrefix6(address));
  if (clash6) {
    const said = `cannot use addressPrefix6 ${addressPrefix6}: this host is ${clash6.address}; have another /64 routed to it`;
    throw new Problem('conflict', said);
  }
  const clash = own.find((one) => one.address.startsWith(prefix));
  if (!clash) return;
  throw new Problem(
    'conflict',
    `cannot use addressPool ${addressPool}: this host is ${clash.address}; choose another /16`,
  );
}

function network(config: Config): Warning[] {
  const noServer = { what: 'no name server that containers could reach', cure: 'name one in /etc/resolv.conf' };
  const noAddress = { what: 'no default route: forwarded ports have no address to answer at', cure: 'set appsHost' };
  return [
    ...(hostServers().length > 0 ? [] : [noServer]),
    ...((config.appsHost ?? defaultAddress()) ? [] : [noAddress]),
  ];
}
