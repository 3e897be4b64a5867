import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import fc from 'fast-check';
import { Passwords } from '../src/customers/passwords.js';
import { Browser } from './browser.js';
import { testSite, type TestSite } from './site.js';

const password = 'correct horse battery';
let site: TestSite;
beforeAll(async () => {
  site = await testSite({ SITE_LOG_LEVEL: 'silent' });
  await Browser.of(site.url, 'known@example.org');
}, 60_000);
afterAll(() => site.close());
afterEach(() => void jest.restoreAllMocks());

const visitor = async (): Promise<Browser> => {
  const browser = new Browser(site.url);
  await browser.get('/api/session');
  return browser;
};
const bodyOf = async (answer: Response): Promise<object> => {
  const { requestId: _, ...rest } = (await answer.json()) as { requestId?: string };
  return { status: answer.status, ...rest };
};

describe('Whether an address is known', () => {
  it('is not told by signing in: the same answer after the same work', async () => {
    const matches = jest.spyOn(site.app.get(Passwords), 'matches');
    const browser = await visitor();
    const known = await bodyOf(await browser.post('/api/session', { email: 'known@example.org', password: 'wrong' }));
    const unknown = await bodyOf(
      await browser.post('/api/session', { email: 'unknown@example.org', password: 'wrong' }),
    );
    expect(unknown).toEqual(known);
    expect(matches).toHaveBeenCalledTimes(2);
    // Argon2id ran both times, at the same cost: for nobody against a hash whose password nobody knows.
    const costs = matches.mock.calls.map(([hash]) => hash.split('$').slice(1, 4).join(' '));
    expect(costs).toEqual(Array(2).fill('argon2id v=19 m=19456,t=2,p=1'));
    expect(new Set(matches.mock.calls.map(([hash]) => hash)).size).toBe(2);
  });

  it('is not told by signing up: the same answer after the same work, and nothing is left of it', async () => {
    const hash = jest.spyOn(site.app.get(Passwords), 'hash');
    const browser = await visitor();
    const order = (email: string) => ({ email, password: 'another password', name: 'X', locale: 'en' });
    const count = async (): Promise<number[]> => {
      const [row] = await site.db.query<{ people: number; entries: number }>(
        'select (select count(*)::int from customer) as people, (select count(*)::int from ledger_entry) as entries',
      );
      return [row!.people, row!.entries];
    };
    const before = await count();
    const known = await bodyOf(await browser.post('/api/customers', order('KNOWN@example.org')));
    expect(await count()).toEqual(before);
    const unknown = await bodyOf(await browser.post('/api/customers', order('fresh@example.org')));
    expect(await count()).toEqual(before.map((one) => one + 1));
    expect(unknown).toEqual(known);
    expect(hash).toHaveBeenCalledTimes(2);
    await Browser.of(site.url, 'known@example.org', password); // the old password still is the one
  });
});

describe('A session', () => {
  it('has another id after signing in, so nobody can prepare one for somebody else', async () => {
    const browser = await visitor();
    const planted = browser.cookies.get('berth_session')!;
    await browser.post('/api/session', { email: 'known@example.org', password });
    expect(browser.cookies.get('berth_session')).not.toBe(planted);
    const attacker = new Browser(site.url);
    attacker.cookies.set('berth_session', planted);
    expect((await attacker.get('/api/containers')).status).toBe(401);
  });

  it('is kept as a hash alone', async () => {
    const browser = await Browser.of(site.url, 'hashed@example.org');
    const id = browser.cookies.get('berth_session')!;
    const rows = await site.db.query<{ hash: Buffer; text: string }>(
      'select id_hash as hash, session::text as text from session',
    );
    expect(rows.some(({ hash }) => hash.equals(createHash('sha256').update(id).digest()))).toBe(true);
    expect(rows.some(({ text }) => text.includes(id))).toBe(false);
  });

  it('is over after signing out, for whoever kept its cookie too', async () => {
    const browser = await Browser.of(site.url, 'out@example.org');
    const thief = new Browser(site.url);
    thief.cookies.set('berth_session', browser.cookies.get('berth_session')!);
    expect((await thief.get('/api/containers')).status).toBe(200);
    await browser.send('DELETE', '/api/session');
    expect((await thief.get('/api/containers')).status).toBe(401);
  });

  it.each(['seen_at', 'created_at'])('ends by itself once %s is too long ago', async (column) => {
    const browser = await Browser.of(site.url, `${column.replace('_', '-')}@example.org`);
    expect((await browser.get('/api/containers')).status).toBe(200);
    await site.db.query(`update session set ${column} = now() - interval '31 days'`);
    expect((await browser.get('/api/containers')).status).toBe(401);
  });
});

describe('Guessing', () => {
  it('ends after ten wrong passwords for one account, even with the right one', async () => {
    await Browser.of(site.url, 'guessed@example.org');
    const browser = await visitor();
    const guess = (attempt: string): Promise<Response> =>
      browser.post('/api/session', { email: 'Guessed@example.org', password: attempt });
    for (let round = 0; round < 10; round++) expect((await guess('wrong')).status).toBe(401);
    expect((await guess(password)).status).toBe(429);
    expect((await browser.post('/api/session', { email: 'known@example.org', password })).status).toBe(200);
  });

  it('is counted by the address it comes from, which a header cannot change', async () => {
    const strict = await testSite({ SITE_THROTTLE: '{"failuresPerAddress":3,"signUpsPerAddress":3}' });
    const browser = new Browser(strict.url);
    await browser.get('/api/session');
    const statuses = [];
    for (let round = 0; round < 4; round++) {
      const headers = { 'X-Forwarded-For': `203.0.113.${round}`, Forwarded: `for=203.0.113.${round}` };
      const body = { email: `p${round}@example.org`, password: 'wrong guess 1' };
      statuses.push((await browser.post('/api/session', body, headers)).status);
      statuses.push((await browser.post('/api/customers', { ...body, name: 'P', locale: 'de' }, headers)).status);
    }
    expect(statuses).toEqual([401, 200, 401, 200, 401, 200, 429, 429]);
    await strict.close();
  }, 30_000);
});

describe('Signing in', () => {
  it('leaves a trace when it fails: what was tried, and never the password', async () => {
    const own = await testSite();
    const browser = new Browser(own.url);
    await browser.get('/api/session');
    const email = `${'x'.repeat(300)}@example.org`;
    for (const tried of ['tried@example.org', email]) {
      expect([401, 422]).toContain(
        (await browser.post('/api/session', { email: tried, password: 'a secret guess' })).status,
      );
    }
    const rows = await own.db.query<{ actor: string; outcome: string }>(
      `select * from audit_event where target = 'tried@example.org'`,
    );
    expect(rows).toMatchObject([{ actor: 'visitor', act: 'session.create', outcome: 'unauthenticated' }]);
    expect(JSON.stringify(await own.db.query('select * from audit_event'))).not.toContain('a secret guess');
    await own.close();
  }, 30_000);

  it('with the right password is not counted against the address it comes from', async () => {
    const strict = await testSite({ SITE_THROTTLE: '{"failuresPerAddress":3}' });
    await Browser.of(strict.url, 'office@example.org', password);
    for (let round = 0; round < 5; round++) await Browser.of(strict.url, 'office@example.org', password);
    await strict.close();
  }, 30_000);

  it.each(['\u200b', '\u00ad\u180e', '\u{e0041}', '\u061c', '\u202ename', ' - '])(
    'takes no name %j that nobody can read',
    async (name) => {
      const order = { email: 'unread@example.org', password, name, locale: 'en' };
      const answer = await (await visitor()).post('/api/customers', order);
      expect(answer.status).toBe(422);
      expect(await bodyOf(answer)).toMatchObject({ fields: { name: expect.any(String) } });
    },
  );
});

describe('What a visitor sends', () => {
  const odd = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.constantFrom('../../etc/passwd', '\u0000', '\r\nSet-Cookie: a=b', '__proto__', '\ud800', '%00', 'en\u202e'),
  );

  it('in a body is accepted or refused, and never breaks anything', async () => {
    const browser = await visitor();
    const json = fc.oneof(
      fc.jsonValue(),
      fc.record({ email: odd, password: odd, name: odd, locale: odd }, { requiredKeys: [] }),
    );
    await fc.assert(
      fc.asyncProperty(json, fc.constantFrom('/api/session', '/api/customers'), async (body, path) => {
        const { status } = await browser.post(path, JSON.stringify(body));
        expect([401, 422, 429]).toContain(status);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it('in a header or a cookie is data, and never a file, a header or an error of ours', async () => {
    const latin = odd.map((text) =>
      Buffer.from(text, 'utf8')
        .toString('latin1')
        .replace(/[\r\n\0]/g, '~'),
    );
    await fc.assert(
      fc.asyncProperty(
        latin,
        fc.constantFrom('cookie', 'accept-language', 'x-request-id', 'host', 'x-xsrf-token', 'accept'),
        async (value, name) => {
          const answer = await raw(
            `GET /api/session HTTP/1.1\r\nHost: a\r\n${name}: ${name === 'cookie' ? 'berth_session=' : ''}${value}\r\nConnection: close\r\n\r\n`,
          );
          expect(answer).toMatch(/^HTTP\/1\.1 (200|400) /);
          expect(answer).not.toMatch(/root:|Set-Cookie: a=b/);
        },
      ),
      { numRuns: 150 },
    );
  }, 60_000);

  it.each([
    [
      'CRLF in a cookie',
      'GET /api/session HTTP/1.1\r\nHost: a\r\nCookie: berth_session=x\r\nrole: admin\r\nConnection: close\r\n\r\n',
      /"demo"/,
    ],
    [
      'two lengths',
      'POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}',
      /^HTTP\/1\.1 400/,
    ],
    [
      'a length and chunks',
      'POST /api/session HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      /^HTTP\/1\.1 400/,
    ],
  ])('is read strictly: %s', async (_, request, expected) => {
    expect(await raw(request)).toMatch(expected);
  });

  it('is refused where it is no JSON, too long, or a trap for prototypes', async () => {
    const browser = await visitor();
    expect((await browser.post('/api/session', '{"email":')).status).toBe(422);
    const long = await browser.post('/api/session', JSON.stringify({ email: 'x'.repeat(70_000) }));
    expect([long.status, ((await long.json()) as { code: string }).code]).toEqual([413, 'invalid']);
    const trap = '{"email":"a@example.org","password":"x","__proto__":{"role":"admin"},"role":"admin"}';
    expect((await browser.post('/api/session', trap)).status).toBe(422);
    expect(({} as { role?: string }).role).toBeUndefined();
  });
});

/** Bytes as they are, because a well-behaved client would not send them. */
function raw(request: string): Promise<string> {
  const { hostname, port } = new URL(site.url);
  return new Promise((done) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.end(request, 'latin1'));
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', () => done(text)).on('close', () => done(text));
  });
}
