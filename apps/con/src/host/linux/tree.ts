import { must, run } from './exec.js';
import { Problem } from '@berth/problem';
import { walkMs } from './removal.js';

/** Whiteouts, opaque directories, hard links, holes, capabilities: as they are. `cp` refuses where an attribute is lost. */
export async function copyTree(from: string, to: string): Promise<void> {
  const exactly = ['--recursive', '--no-dereference', '--preserve=all,xattr', '--sparse=auto', '--reflink=auto'];
  await must(['cp', ...exactly, '--one-file-system', '--no-target-directory', '--', from, to], { timeoutMs: walkMs });
}

/** Bytes allocated. `du` walks like `rm` does; files that vanish meanwhile make it complain, and count nothing. */
export async function bytesBelow(path: string): Promise<bigint> {
  const { output, errors } = await run(['du', '-sx', '--block-size=1', '--', path], { timeoutMs: walkMs });
  const bytes = /^(\d+)\t/.exec(output)?.[1];
  if (bytes !== undefined) return BigInt(bytes);
  throw new Problem('unavailable', `cannot measure ${path}: ${errors.trim()}`);
}
