import type { Readable } from 'node:stream';
import type { ExecSession } from '../host/runtime.js';

/**
 * Bulk and live bytes, beside XML-RPC and never inside it. Each call answers a path `/stream/<token>` of the same
 * listener: good for 60 s, for one use, for one object.
 */
export interface Streams {
  /** The bytes of one PUT, exactly as many as announced; the PUT is answered once `take` has settled. */
  receive(bytes: bigint, take: (body: Readable) => Promise<void>): string;
  /**
   * One WebSocket. Binary frames from the caller are input (an empty one ends it); binary frames to the caller begin
   * with a byte, 1 for output and 2 for errors; a text frame `{"exitCode":n}` is the last. Closing it kills the command.
   */
  session(open: () => ExecSession, options: { timeoutMs: number }): string;
}
