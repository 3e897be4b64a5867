import { describe, expect, it } from '@jest/globals';
import { loginIn } from './login-file.js';

describe("an app's login", () => {
  it('is two lines', () => {
    expect(loginIn('user=admin\npassword=a=b c\n')).toEqual({ user: 'admin', password: 'a=b c' });
    expect(loginIn('password=p\nuser=u')).toEqual({ user: 'u', password: 'p' });
  });

  it.each([
    '',
    'user=admin\n',
    'user=admin\npassword=\n',
    'user=admin\npassword=x\nurl=http://elsewhere.example\n',
    'user=admin\nuser=other\n',
    'user=ad\u001b[2Jmin\npassword=x\n',
    'user=admin\u202e\npassword=x\n',
    `user=admin\npassword=${'x'.repeat(257)}\n`,
    '<script>alert(1)</script>',
  ])('is never read out of %j', (text) => {
    expect(loginIn(text)).toBeUndefined();
  });
});
