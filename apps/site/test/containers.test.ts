import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Problem } from '@berth/problem';
import { ContainerList, type Catalogue, type Container } from '@berth/site-api';
import { Browser } from './browser.js';
import { testCon, withCons, type TestCon } from './con.js';
import { testSite, type TestSite } from './site.js';

let one: TestCon, two: TestCon, site: TestSite, ada: Browser;
type Wire = Record<string, unknown> & { id: string; state: string };

beforeAll(async () => {
  [one, two] = [await testCon('one'), await testCon('two')];
  site = await testSite({ ...withCons(one, two), SITE_CONTAINERS_PER_CUSTOMER: '20' });
  ada = await Browser.of(site.url, 'ada@example.org');
}, 60_000);
afterAll(async () => {
  await site.close();
  await Promise.all([one.close(), two.close()]);
});

const order = (name: string, change = {}) => ({ app: 'django', version: '3.2', name, size: 'small', ...change });
const read = async (response: Response): Promise<Wire> => (await response.json()) as Wire;
const add = async (browser: Browser, name: string): Promise<string> => {
  const answer = await browser.post('/api/containers', order(name), { 'Idempotency-Key': randomUUID() });
  expect(answer.status).toBe(200);
  return (await read(answer)).id;
};
const listed = async (browser: Browser): Promise<readonly Container[]> =>
  ContainerList.parse(await (await browser.get('/api/containers')).json()).containers;
const conOf = (id: string): TestCon => (one.containers.has(id) ? one : two);

describe('The catalogue', () => {
  it('offers what is ready on some host, with prices and a name that is free', async () => {
    const catalogue = (await (await ada.get('/api/catalogue')).json()) as Catalogue;
    expect(catalogue.apps.map(({ name }) => name)).toEqual(['django', 'nginx']);
    expect(catalogue.apps[0]).toMatchObject({ title: 'django', versions: ['3.2'], suggestedSize: 'medium' });
    expect(catalogue.sizes[0]).toMatchObject({ id: 'small', monthNanos: '2606100000', hourNanos: '3570000' });
    expect(catalogue.suggestedName).toMatch(/^[a-z]+-django$/);
  });
});

describe('A container', () => {
  it('is added, started, stopped, thrown away and taken back', async () => {
    const id = await add(ada, 'journey');
    const act = async (verb: string): Promise<Wire> => read(await ada.post(`/api/containers/${id}/${verb}`));
    expect((await listed(ada)).find((row) => row.id === id)).toMatchObject({ name: 'journey', state: 'stopped' });
    expect(await act('start')).toMatchObject({ state: 'running', url: 'http://198.51.100.7:20001/' });
    expect((await listed(ada)).find((row) => row.id === id)?.state).toBe('running');
    expect((await act('stop')).state).toBe('stopped');
    expect(await act('trash')).toMatchObject({ state: 'trashed', trashedUntil: expect.any(String) });
    const elsewhere = new Browser(site.url); // the tab is closed, and the undo comes from another browser
    await elsewhere.get('/api/session');
    await elsewhere.post('/api/session', { email: 'ada@example.org', password: 'correct horse battery' });
    expect(await read(await elsewhere.post(`/api/containers/${id}/restore`))).toMatchObject({ state: 'stopped' });
    const [lease] = await site.db.query('select trashed_until from lease where id = $1', [id]);
    expect(lease).toEqual({ trashed_until: null });
  });

  it('is the same container when its order comes again, and a conflict when the order is another', async () => {
    const key = { 'Idempotency-Key': 'once' };
    const [first, again] = await Promise.all([
      ada.post('/api/containers', order('twin'), key).then(read),
      ada.post('/api/containers', order('twin'), key).then(read),
    ]);
    expect(again.id).toBe(first.id);
    const other = await ada.post('/api/containers', order('other'), key);
    expect(other.status).toBe(409);
    const taken = await ada.post('/api/containers', order('twin'), { 'Idempotency-Key': 'twice' });
    expect(taken.status).toBe(422);
    expect(await read(taken)).toMatchObject({
      type: 'urn:berth:problem:name-taken',
      code: 'invalid',
      blanks: { name: 'twin' },
      fields: { name: expect.stringContaining('you have a container of that name') },
    });
  });

  it.each(['', 'x'.repeat(300), '../x', 'a\nb', 'a\u202eb', '-a', 'A'])('cannot be named %j', async (name) => {
    const answer = await ada.post('/api/containers', order(name));
    expect(answer.status).toBe(422);
    expect(await read(answer)).toMatchObject({ code: 'invalid', fields: { name: expect.stringMatching(/a name/) } });
  });

  it.each([{ app: 'wordpress' }, { version: '99' }, { app: '' }])(
    'of %j, which nobody offers, is refused',
    async (what) => {
      const answer = await ada.post('/api/containers', order('unknown', what));
      expect(answer.status).toBe(422);
      expect(await read(answer)).toMatchObject({
        code: 'invalid',
        fields: { app: expect.stringMatching(/nobody offers it/) },
      });
    },
  );

  it('goes to the host with the fewest', async () => {
    const before = [one.containers.size, two.containers.size];
    await add(ada, 'spread-a');
    await add(ada, 'spread-b');
    await add(ada, 'spread-c');
    const after = [one.containers.size, two.containers.size];
    expect(after[0]! + after[1]!).toBe(before[0]! + before[1]! + 3);
    expect(Math.abs(after[0]! - after[1]!)).toBeLessThanOrEqual(1);
  });

  it('whose state changed behind the page is refused with a kind that every language has a sentence for', async () => {
    const id = await add(ada, 'behind');
    expect((await ada.post(`/api/containers/${id}/trash`)).status).toBe(200);
    const answer = await ada.post(`/api/containers/${id}/start`);
    expect(answer.status).toBe(409);
    expect(await read(answer)).toMatchObject({
      type: 'urn:berth:problem:cannot-start-now',
      blanks: { name: 'behind' },
      detail: expect.stringMatching(/: it is trashed$/),
    });
  });

  it('beyond as many as a customer may hold is refused, and the order can come again', async () => {
    const max = await Browser.of(site.url, 'max@example.org');
    const first = await add(max, 'full-1');
    for (let n = 2; n < 20; n++) await add(max, `full-${n}`);
    // At once for the last place, by a database so slow that each would count before another has taken it.
    await site.db.query(`create function dawdle() returns trigger language plpgsql as
      'begin perform pg_sleep(0.1); return new; end'`);
    await site.db.query('create trigger slow before insert on lease for each row execute function dawdle()');
    const orders = Array.from({ length: 4 }, (_, n) =>
      max.post('/api/containers', order(`last-${n}`), { 'Idempotency-Key': randomUUID() }),
    );
    const taken = (await Promise.all(orders)).filter(({ status }) => status === 200);
    await site.db.query('drop function dawdle cascade');
    expect(taken).toHaveLength(1);
    const key = { 'Idempotency-Key': randomUUID() };
    const refused = await max.post('/api/containers', order('full-21'), key);
    expect(refused.status).toBe(409);
    expect(await read(refused)).toMatchObject({ type: 'urn:berth:problem:too-many-containers', blanks: { most: 20 } });
    await site.db.query('update lease set ended_at = now() where id = $1', [first]);
    expect((await max.post('/api/containers', order('full-21'), key)).status).toBe(200);
  });

  it('is restarted, frozen, thawed and killed, and refused in words where that cannot be', async () => {
    const id = await add(ada, 'verbs');
    const act = async (verb: string): Promise<Wire> => read(await ada.post(`/api/containers/${id}/${verb}`));
    expect(await act('freeze')).toMatchObject({
      type: 'urn:berth:problem:cannot-freeze-now',
      blanks: { name: 'verbs' },
    });
    await act('start');
    expect(await act('freeze')).toMatchObject({ state: 'frozen' });
    expect(await act('thaw')).toMatchObject({ state: 'running' });
    expect(await act('restart')).toMatchObject({ state: 'running' });
    expect(await act('kill')).toMatchObject({ state: 'stopped' });
    const eve = await Browser.of(site.url, 'eve-verbs@example.org');
    for (const verb of ['restart', 'freeze', 'thaw', 'kill', 'snapshots'])
      expect((await eve.post(`/api/containers/${id}/${verb}`)).status).toBe(404);
    expect((await eve.get(`/api/containers/${id}/detail`)).status).toBe(404);
  });

  it('takes another name, and none that another one has', async () => {
    const [id] = [await add(ada, 'old-name'), await add(ada, 'other-name')];
    expect(await read(await ada.put(`/api/containers/${id}/name`, { name: 'new-name' }))).toMatchObject({
      name: 'new-name',
    });
    expect(conOf(id).containers.get(id)?.name).toBe('new-name');
    const taken = await ada.put(`/api/containers/${id}/name`, { name: 'other-name' });
    expect([taken.status, await read(taken)]).toMatchObject([422, { type: 'urn:berth:problem:name-taken' }]);
    expect((await ada.put(`/api/containers/${id}/name`, { name: 'No' })).status).toBe(422);
    expect((await listed(ada)).find((row) => row.id === id)?.name).toBe('new-name');
  });

  it('gets its new name at its host later where that did not answer', async () => {
    const id = await add(ada, 'before-silence');
    const con = conOf(id);
    con.instead['containers.rename'] = async () => {
      throw new Problem('unavailable', 'cannot rename: the disk is full');
    };
    expect((await ada.put(`/api/containers/${id}/name`, { name: 'after-silence' })).status).toBe(503);
    delete con.instead['containers.rename'];
    while (con.containers.get(id)?.name !== 'after-silence') await listed(ada);
  });

  it('keeps snapshots, which are restored while it is off and removed', async () => {
    const id = await add(ada, 'kept');
    const wrong = await ada.post(`/api/containers/${id}/snapshots`, { name: 'with blanks' });
    expect([wrong.status, await read(wrong)]).toMatchObject([
      422,
      { fields: { name: expect.stringMatching(/a name/) } },
    ]);
    const key = { 'Idempotency-Key': 'a:key/of~any.letters' };
    const made = await read(await ada.post(`/api/containers/${id}/snapshots`, { name: 'before-the-update' }, key));
    expect(made).toMatchObject({ name: 'before-the-update', state: 'kept', sizeBytes: '7' });
    expect((await read(await ada.post(`/api/containers/${id}/snapshots`, { name: 'before-the-update' }, key))).id).toBe(
      made.id,
    );
    const detail = await read(await ada.get(`/api/containers/${id}/detail`));
    expect(detail).toMatchObject({ container: { id }, cpuMillis: expect.any(Number), snapshots: [{ id: made.id }] });
    const restore = `/api/containers/${id}/snapshots/${made.id}/restore`;
    await ada.post(`/api/containers/${id}/start`);
    expect(await read(await ada.post(restore))).toMatchObject({ type: 'urn:berth:problem:cannot-snapshot-now' });
    await ada.post(`/api/containers/${id}/stop`);
    expect((await ada.post(restore)).status).toBe(200);
    expect((await ada.delete(`/api/containers/${id}/snapshots/${made.id}`)).status).toBe(200);
    expect(await read(await ada.get(`/api/containers/${id}/detail`))).toMatchObject({ snapshots: [] });
  });

  it('does not start without credit, and says why', async () => {
    const poor = await Browser.of(site.url, 'poor@example.org');
    const id = await add(poor, 'broke');
    const [{ id: customer } = { id: '' }] = await site.db.query<{ id: string }>(
      `select id from customer where email = 'poor@example.org'`,
    );
    const { Terms } = await import('../src/containers/terms.js');
    const terms = site.app.get(Terms);
    const usual = terms.mayRun.bind(terms);
    terms.mayRun = async (who) => usual(who.filter((one) => one !== customer));
    const answer = await poor.post(`/api/containers/${id}/start`);
    terms.mayRun = usual;
    expect(answer.status).toBe(403);
    expect((await read(answer))['detail']).toMatch(/^cannot start broke: there is no credit left/);
  });

  it('whose host tells absurd numbers or links takes no other row away, and shows neither', async () => {
    const eve = await Browser.of(site.url, 'eve@example.org');
    const [odd, other] = [await add(eve, 'odd'), await add(eve, 'other')];
    for (const id of [odd, other]) await eve.post(`/api/containers/${id}/start`);
    const con = conOf(odd);
    const usual = { ...con.containers.get(odd)! };
    let cpuNanos = 0n;
    con.instead['containers.list'] = async () => ({
      observedAt: new Date().toISOString(),
      version: randomUUID(),
      containers: [...con.containers.values()].map((one) => (one.id === odd ? { ...usual, url: site.url } : one)),
      usage: [{ id: odd, cpuNanos: (cpuNanos += 10n ** 30n), memoryBytes: -1n, bytesIn: 10n ** 30n, bytesOut: 0n }],
    });
    try {
      const links = async () => (await listed(eve)).find(({ id }) => id === odd)?.url;
      while ((await links()) !== undefined) await new Promise((later) => setTimeout(later, 50));
      const rows = await listed(eve);
      expect(rows.find(({ id }) => id === odd)).not.toHaveProperty('numbers');
      expect(rows.find(({ id }) => id === other)).toMatchObject({ state: 'running' });
    } finally {
      delete con.instead['containers.list'];
    }
  }, 20_000);

  it('is turned off when the credit is used up, and the page is told', async () => {
    const poor = await Browser.of(site.url, 'spent@example.org');
    const [spent, other] = [await add(poor, 'spent'), await add(ada, 'paid')];
    await poor.post(`/api/containers/${spent}/start`);
    await ada.post(`/api/containers/${other}/start`);
    const [{ id: customer } = { id: '' }] = await site.db.query<{ id: string }>(
      `select id from customer where email = 'spent@example.org'`,
    );
    const { Terms } = await import('../src/containers/terms.js');
    const { Unpaid } = await import('../src/containers/unpaid.js');
    const terms = site.app.get(Terms);
    const usual = terms.mayRun.bind(terms);
    terms.mayRun = async (who) => usual(who.filter((one) => one !== customer));
    const told = await site.app.get(Unpaid).stop();
    const page = await read(await poor.get('/api/containers'));
    terms.mayRun = usual;
    expect(told).toBe(1);
    expect(page['mayStart']).toBe(false);
    expect((await listed(poor)).find(({ id }) => id === spent)?.state).toMatch(/^stop/);
    expect((await listed(ada)).find(({ id }) => id === other)?.state).toBe('running');
  });

  it('shows its login once it is written, until it is put away', async () => {
    const id = await add(ada, 'with-login');
    await ada.post(`/api/containers/${id}/start`);
    const con = conOf(id);
    con.login.text = undefined;
    const early = await ada.post(`/api/containers/${id}/login`);
    expect(early.status).toBe(409);
    con.login.text = 'user=admin\npassword=s3cret\n';
    expect(await read(await ada.post(`/api/containers/${id}/login`))).toEqual({
      user: 'admin',
      password: 's3cret',
      url: 'http://198.51.100.7:20001/',
    });
    expect((await ada.send('DELETE', `/api/containers/${id}/login`)).status).toBe(200);
    expect(con.login.text).toBeUndefined();
    expect((await ada.post(`/api/containers/${id}/login`)).status).toBe(409);
    expect((await listed(ada)).find((row) => row.id === id)?.loginWaiting).toBe(false);
  });

  it('whose create never arrived is created later, under the same id', async () => {
    for (const con of [one, two])
      con.instead['containers.create'] = async () =>
        Promise.reject(new (await import('@berth/problem')).Problem('unavailable', 'cannot now'));
    const id = await add(ada, 'late');
    expect((await listed(ada)).find((row) => row.id === id)?.state).toBe('creating');
    for (const con of [one, two]) delete con.instead['containers.create'];
    const { Containers } = await import('../src/containers/containers.js');
    await site.app.get(Containers).settleAll();
    expect((await listed(ada)).find((row) => row.id === id)?.state).toBe('stopped');
  });

  it('is never given up because a host does not list it, only by the host own word once its trash is over', async () => {
    const id = await add(ada, 'leaving');
    await ada.post(`/api/containers/${id}/trash`);
    const con = conOf(id);
    con.containers.delete(id);
    con.changed();
    await forget(con);
    const { Containers } = await import('../src/containers/containers.js');
    const ended = async (): Promise<boolean> => {
      const [row] = await site.db.query<{ ended: boolean }>(
        'select ended_at is not null as ended from lease where id = $1',
        [id],
      );
      return row?.ended === true;
    };
    await site.app.get(Containers).settleAll();
    expect(await ended()).toBe(false);
    await site.db.query(`update lease set trashed_until = now() - interval '1 minute' where id = $1`, [id]);
    con.instead['containers.get'] = async () => Promise.reject(new Error('cannot say'));
    await site.app.get(Containers).settleAll();
    expect(await ended()).toBe(false);
    delete con.instead['containers.get'];
    await site.app.get(Containers).settleAll();
    expect(await ended()).toBe(true);
  });
});

/** Waits until site has an answer of that con that is newer than now. */
async function forget(con: TestCon): Promise<void> {
  const before = con.calls.filter((name) => name === 'containers.list').length;
  while (con.calls.filter((name) => name === 'containers.list').length < before + 2) {
    await ada.get('/api/containers');
    await new Promise((later) => setTimeout(later, 50));
  }
}

it('What its host no longer knows is let go of by who throws it away, and its name is free again', async () => {
  const id = await add(ada, 'lost');
  const con = conOf(id);
  con.containers.delete(id);
  con.changed();
  await forget(con);
  expect((await ada.post(`/api/containers/${id}/start`)).status).toBe(409);
  const answer = await ada.post(`/api/containers/${id}/trash`);
  expect([answer.status, ((await answer.json()) as { state: string }).state]).toEqual([200, 'failed']);
  expect((await ada.get(`/api/containers/${id}`)).status).toBe(404);
  await add(ada, 'lost');
});
