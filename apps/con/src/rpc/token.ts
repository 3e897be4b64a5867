import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { Problem } from '@berth/problem';

/** Reads the token for loopback; makes it, 256 random bits, where there is none. @throws Problem when others may read it. */
export function readToken(path: string): string {
  make(path);
  const file = openSync(path, 'r');
  try {
    if ((fstatSync(file).mode & 0o077) !== 0) {
      throw new Problem(
        'forbidden',
        `cannot use the token in ${path}: others may read it; run chmod 600, and remove it to get a new one`,
      );
    }
    const token = readFileSync(file, 'utf8').trim();
    if (token.length < 32)
      throw new Problem(
        'invalid',
        `cannot use the token in ${path}: it has fewer than 32 letters; remove the file to get a new one`,
      );
    return token;
  } finally {
    closeSync(file);
  }
}

function make(path: string): void {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (cause) {
    if (typeof cause === 'object' && cause && 'code' in cause && cause.code === 'EEXIST') return;
    throw new Problem('unavailable', `cannot make the token file ${path}`, { cause });
  }
  writeSync(file, `${randomBytes(32).toString('base64url')}\n`);
  fsyncSync(file);
  closeSync(file);
}

/** Whether an Authorization header carries the token: as Bearer, or as Basic of user `con` for plain clients. */
export function tokenGate(token: string): (authorization: string | undefined) => boolean {
  const expected = digest(token);
  return (authorization = '') => {
    const [scheme = '', credentials = ''] = authorization.split(' ', 2);
    const given =
      scheme.toLowerCase() === 'basic' ? passwordOf(credentials) : scheme.toLowerCase() === 'bearer' ? credentials : '';
    return timingSafeEqual(digest(given), expected); // digests are of one length, whatever was sent
  };
}

function passwordOf(credentials: string): string {
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  return pair.startsWith('con:') ? pair.slice('con:'.length) : '';
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
