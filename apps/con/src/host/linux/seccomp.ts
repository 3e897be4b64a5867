import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** CLONE_NEWUSER (sched.h), as an argument of clone(2) and unshare(2). */
const newUser = '[0,0x10000000,SCMP_CMP_MASKED_EQ,0x10000000]';

/**
 * What no program inside may ask of the kernel, in LXC's own form (lxc.container.conf(5), seccomp version 2). The first
 * part is a whole machine's business. Of the second, every one has led out of containers: nested user namespaces hand
 * out capabilities over code that only root used to reach; io_uring, userfaultfd, bpf and perf are large and young.
 * clone3 hides its flags behind a pointer, where no filter can see them: told that there is none, libc takes clone.
 */
const profile = [
  '2',
  'denylist',
  'reject_force_umount',
  '[all]',
  ...['kexec_load', 'kexec_file_load', 'open_by_handle_at', 'init_module', 'finit_module', 'delete_module'].map(no),
  ...['bpf', 'perf_event_open', 'userfaultfd'].map(no),
  ...['io_uring_setup', 'io_uring_enter', 'io_uring_register', 'clone3'].map((call) => `${call} errno 38`),
  `unshare errno 1 ${newUser}`,
  `clone errno 1 ${newUser}`,
  '',
].join('\n');

/** EPERM. */
function no(call: string): string {
  return `${call} errno 1`;
}

/** The file that names it, made where it is missing or another con's. */
export function seccompFile(runDirectory: string): string {
  const path = `${runDirectory}/seccomp`;
  if (existsSync(path) && readFileSync(path, 'utf8') === profile) return path;
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
  writeFileSync(`${path}.new`, profile, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return path;
}
