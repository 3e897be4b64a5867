/**
 * `npm run seed [-- URL [ADMIN_PASSWORD]]`: a customer with a password, some containers on whatever the catalogue
 * offers, and, given the admin's password, a top-up; through the public API only. A second run changes nothing.
 */
import { routes, type ReplyOf, type RouteName } from '@berth/site-api';

const [url = `http://localhost:${process.env['BERTH_PORT'] ?? 8080}`, adminPassword] = process.argv.slice(2);
const person = { email: 'demo@example.org', password: 'a demo password', name: 'Demo customer', locale: 'en' };
const names = ['shop', 'blog', 'wiki'];

/** Keeps cookies and answers the CSRF cookie in the header, as a browser does. */
class Visitor {
  private readonly cookies = new Map<string, string>();

  async call<N extends RouteName>(name: N, body?: unknown, parts: Record<string, string> = {}, key?: string) {
    const { method, path, reply } = routes[name];
    const response = await fetch(url + path.replace(/:(\w+)/g, (_, part: string) => parts[part] ?? ''), {
      method,
      headers: {
        Cookie: [...this.cookies].map(([cookie, value]) => `${cookie}=${value}`).join('; '),
        'X-XSRF-TOKEN': this.cookies.get('XSRF-TOKEN') ?? '',
        'Content-Type': 'application/json',
        ...(key === undefined ? {} : { 'Idempotency-Key': key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, cookieName = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.cookies.set(cookieName, value);
    }
    if (!response.ok)
      throw new Error(`cannot seed: ${method} ${path} answered ${response.status}: ${await response.text()}`);
    return reply.parse(await response.json()) as ReplyOf<N>;
  }

  async signIn(email: string, password: string): Promise<void> {
    await this.call('session.get');
    await this.call('session.create', { email, password });
  }
}

try {
  await seed();
} catch (error) {
  const isSilent = error instanceof TypeError; // fetch throws one where nothing answers
  console.error(
    isSilent
      ? `cannot seed: nothing answers at ${url}; npm start first, or name another URL`
      : String((error as Error).message),
  );
  process.exitCode = 1;
}

async function seed(): Promise<void> {
  const customer = new Visitor();
  await customer.call('session.get');
  await customer.call('customers.create', person);
  await customer.signIn(person.email, person.password);
  console.log(`Customer ${person.email}, password "${person.password}"`);

  const { apps, sizes } = await customer.call('catalogue.get');
  const offers = apps.flatMap((app) => app.versions.map((version) => ({ app: app.name, version })));
  if (offers.length === 0) console.log('No template is ready yet: run this again once npm start has built one');
  const there = new Set((await customer.call('containers.list')).containers.map(({ name }) => name));
  for (const [at, name] of names.entries()) {
    const offer = offers[at % offers.length];
    if (!offer || there.has(name)) continue;
    await customer.call('containers.create', { ...offer, name, size: sizes[0]!.id }, {}, `seed-${name}`);
    console.log(`Container ${name}: ${offer.app} ${offer.version}`);
  }

  if (adminPassword === undefined) console.log('No top-up: give the password of the admin as the second word');
  else {
    const admin = new Visitor();
    await admin.signIn('admin@example.org', adminPassword);
    const { items } = await admin.call('admin.customers');
    const { id } = items.find(({ email }) => email === person.email)!;
    await admin.call('admin.topUp', { nanos: '50000000000', reference: 'seed' }, { id });
    console.log('Top-up of 50.00, once');
  }
}
