import { Problem } from '@berth/problem';

/**
 * The result of `work`, or a Problem once the time is over: no state in transit lasts for ever. What is late goes on
 * behind, and the caller's clean-up ends it.
 */
export async function within<T>(timeoutMs: number, doing: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, refuse) => {
    timer = setTimeout(
      () => refuse(new Problem('unavailable', `cannot ${doing}: it took longer than ${timeoutMs / 1_000} s`)),
      timeoutMs,
    ).unref(); // a daemon that has nothing else to wait for may end
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
