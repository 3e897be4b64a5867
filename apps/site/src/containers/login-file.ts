export type AppLogin = Readonly<{ user: string; password: string }>;

/** Printable and bounded: the text comes out of a container, where anybody may have written it. */
const value = /^[^\p{C}\p{Zl}\p{Zp}]{1,256}$/u;

/** Exactly `user=…` and `password=…`, a line each, in any order; anything else is no login. */
export function loginIn(text: string): AppLogin | undefined {
  const lines = text.split('\n').filter((line) => line !== '');
  const found = new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  const [user, password] = [found.get('user'), found.get('password')];
  if (lines.length !== 2 || user === undefined || password === undefined) return undefined;
  return value.test(user) && value.test(password) ? { user, password } : undefined;
}
