import type { IncomingMessage } from 'node:http';
import { Problem } from '@berth/problem';

export type BodyBounds = Readonly<{ bytes: number; timeoutMs: number }>;

/** The whole body, or a Problem as soon as it is too long or too slow; the caller then closes the connection. */
export async function readBody(request: IncomingMessage, { bytes, timeoutMs }: BodyBounds): Promise<Buffer> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > bytes) throw tooLong(bytes);
  let late: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Slow(timeoutMs)), timeoutMs);
  });
  try {
    return await Promise.race([collect(request, bytes), deadline]);
  } finally {
    clearTimeout(late);
  }
}

/** A body longer than the bound. */
export class TooLong extends Problem {}

/** A body that did not arrive in time. */
export class Slow extends Problem {
  constructor(timeoutMs: number) {
    super('unavailable', `cannot wait for the body longer than ${timeoutMs} ms`);
  }
}

function tooLong(bytes: number): TooLong {
  return new TooLong('invalid', `cannot take a body of more than ${bytes} bytes`);
}

function collect(request: IncomingMessage, most: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > most) {
        request.pause();
        reject(tooLong(most));
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
  });
}
