import { existsSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

/** What can be seen on a host of what Berth makes there: teardown's test compares one before with one after. */
export function hostSnapshot(): Readonly<Record<string, string>> {
  const lines = (program: string, args: readonly string[]): string => {
    try {
      return execFileSync(program, args, { encoding: 'utf8' });
    } catch {
      return `${program} is not there`;
    }
  };
  const file = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : 'absent');
  return {
    mounts: file('/proc/self/mountinfo')
      .split('\n')
      .map((line) => line.split(' ').slice(3, 5).join(' '))
      .sort()
      .join('\n'),
    links: lines('ip', ['-o', 'link'])
      .replace(/^\d+: /gm, '')
      .replace(/qlen.*|state.*/g, ''),
    addresses: lines('ip', ['-o', 'addr'])
      .replace(/^\d+: /gm, '')
      .replace(/valid_lft.*/g, ''),
    routes: lines('ip', ['route', 'show', 'table', 'all']),
    tables: lines('nft', ['list', 'tables']),
    cgroups: lines('find', ['/sys/fs/cgroup', '-maxdepth', '3', '-type', 'd']).split('\n').sort().join('\n'),
    subuid: file('/etc/subuid'),
    subgid: file('/etc/subgid'),
    sysctls: [
      'net/ipv4/ip_forward',
      'fs/inotify/max_user_instances',
      'fs/inotify/max_user_watches',
      'kernel/pid_max',
      'kernel/keys/maxkeys',
      'kernel/keys/maxbytes',
      'net/ipv4/neigh/default/gc_thresh1',
      'net/ipv4/neigh/default/gc_thresh2',
      'net/ipv4/neigh/default/gc_thresh3',
    ]
      .map((key) => `${key} ${file(`/proc/sys/${key}`).trim()}`)
      .join('\n'),
  };
}
