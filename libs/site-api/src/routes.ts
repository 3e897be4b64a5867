import { z } from 'zod';
import { lineFault, longestName, longestReference } from './line.js';
import * as record from './records.js';

export type Route = Readonly<{
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With `:name` for each parameter. */
  path: `/api/${string}`;
  /** Who may: `anyone`, whoever is signed in, or an admin. What a customer may see of others is decided by id, too. */
  who: 'anyone' | 'customer' | 'admin';
  body?: z.ZodObject;
  query?: z.ZodObject;
  reply: z.ZodType;
  help: string;
}>;

const nothing = z.object({});
const page = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) });
const email = z.email().max(254);
const line = (most: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(most)
    .refine(
      (text) => lineFault(text, most) !== 'unreadable',
      'must be one line of plain text with a letter or a digit',
    );
/** Length is what makes a password strong; the upper bound keeps argon2id from being fed megabytes (OWASP ASVS 2.1). */
const password = z.string().min(10).max(256);

/** The one table of site's JSON routes: guards, the OpenAPI document and the dashboard's client are made from it. */
export const routes = {
  'session.get': {
    method: 'GET',
    path: '/api/session',
    who: 'anyone',
    reply: record.Session,
    help: 'Who is signed in; sets the CSRF cookie.',
  },
  'session.create': {
    method: 'POST',
    path: '/api/session',
    who: 'anyone',
    body: z.strictObject({ email, password: z.string().max(256) }),
    reply: record.Session,
    help: 'Signs in.',
  },
  'session.destroy': {
    method: 'DELETE',
    path: '/api/session',
    who: 'customer',
    reply: record.Session,
    help: 'Signs out.',
  },
  'customers.create': {
    method: 'POST',
    path: '/api/customers',
    who: 'anyone',
    body: z.strictObject({ email, password, name: line(longestName), locale: record.Locale }),
    reply: nothing,
    help: 'Signs up. The answer is the same whether the address is known or not; sign in afterwards.',
  },
  'customers.update': {
    method: 'PUT',
    path: '/api/customers/me',
    who: 'customer',
    body: z.strictObject({ locale: record.Locale }),
    reply: record.Session,
    help: 'Changes the language of mails and invoices.',
  },

  'catalogue.get': {
    method: 'GET',
    path: '/api/catalogue',
    who: 'customer',
    reply: record.Catalogue,
    help: 'Apps, versions, sizes and their prices.',
  },

  'containers.list': {
    method: 'GET',
    path: '/api/containers',
    who: 'customer',
    reply: record.ContainerList,
    help: 'The containers of the customer; polled every two seconds.',
  },
  'containers.create': {
    method: 'POST',
    path: '/api/containers',
    who: 'customer',
    body: z.strictObject({ app: z.string(), version: z.string(), name: z.string(), size: z.string() }),
    reply: record.Container,
    help: 'Adds a container. Takes an Idempotency-Key header: the same key and body again are the same container.',
  },
  'containers.get': {
    method: 'GET',
    path: '/api/containers/:id',
    who: 'customer',
    reply: record.Container,
    help: 'One container.',
  },
  'containers.start': {
    method: 'POST',
    path: '/api/containers/:id/start',
    who: 'customer',
    reply: record.Container,
    help: 'Turns it on.',
  },
  'containers.stop': {
    method: 'POST',
    path: '/api/containers/:id/stop',
    who: 'customer',
    reply: record.Container,
    help: 'Turns it off.',
  },
  'containers.restart': {
    method: 'POST',
    path: '/api/containers/:id/restart',
    who: 'customer',
    reply: record.Container,
    help: 'Turns it off and on again.',
  },
  'containers.kill': {
    method: 'POST',
    path: '/api/containers/:id/kill',
    who: 'customer',
    reply: record.Container,
    help: 'Turns it off at once, without asking what runs in it.',
  },
  'containers.freeze': {
    method: 'POST',
    path: '/api/containers/:id/freeze',
    who: 'customer',
    reply: record.Container,
    help: 'Halts all that runs in it where it is; its memory stays in use, and is paid for.',
  },
  'containers.thaw': {
    method: 'POST',
    path: '/api/containers/:id/thaw',
    who: 'customer',
    reply: record.Container,
    help: 'Lets what is halted run on.',
  },
  'containers.detail': {
    method: 'GET',
    path: '/api/containers/:id/detail',
    who: 'customer',
    reply: record.ContainerDetail,
    help: 'One container with its snapshots and doors; polled while its page is looked at.',
  },
  'containers.rename': {
    method: 'PUT',
    path: '/api/containers/:id/name',
    who: 'customer',
    body: z.strictObject({ name: z.string() }),
    reply: record.Container,
    help: 'Gives it another name; inside, its host name follows at its next start.',
  },
  'containers.snapshot': {
    method: 'POST',
    path: '/api/containers/:id/snapshots',
    who: 'customer',
    body: z.strictObject({ name: z.string().optional() }),
    reply: record.ContainerSnapshot,
    help: 'Keeps what it holds now, also while it runs. Takes an Idempotency-Key header: the same key again is the same snapshot.',
  },
  'containers.restoreSnapshot': {
    method: 'POST',
    path: '/api/containers/:id/snapshots/:snapshot/restore',
    who: 'customer',
    reply: record.Container,
    help: 'Puts a snapshot in place of what it holds, while it is off; every snapshot stays.',
  },
  'containers.removeSnapshot': {
    method: 'DELETE',
    path: '/api/containers/:id/snapshots/:snapshot',
    who: 'customer',
    reply: nothing,
    help: 'Removes a snapshot for good.',
  },
  'containers.trash': {
    method: 'POST',
    path: '/api/containers/:id/trash',
    who: 'customer',
    reply: record.Container,
    help: 'Puts it into the trash.',
  },
  'containers.restore': {
    method: 'POST',
    path: '/api/containers/:id/restore',
    who: 'customer',
    reply: record.Container,
    help: 'Takes it out of the trash.',
  },
  'containers.login': {
    method: 'POST',
    path: '/api/containers/:id/login',
    who: 'customer',
    reply: record.Login,
    help: "Shows the app's own login, until it is put away.",
  },
  'containers.forgetLogin': {
    method: 'DELETE',
    path: '/api/containers/:id/login',
    who: 'customer',
    reply: nothing,
    help: 'Puts the login away: it is not shown again.',
  },

  'billing.get': {
    method: 'GET',
    path: '/api/billing',
    who: 'customer',
    reply: record.Billing,
    help: 'Balance and cost now.',
  },
  'invoices.list': {
    method: 'GET',
    path: '/api/invoices',
    who: 'customer',
    reply: page(record.InvoiceSummary),
    help: 'Own invoices, newest first.',
  },
  'invoices.get': {
    method: 'GET',
    path: '/api/invoices/:number',
    who: 'customer',
    reply: record.Invoice,
    help: 'One invoice with its lines.',
  },
  'invoices.pdf': {
    method: 'GET',
    path: '/api/invoices/:number/pdf',
    who: 'customer',
    reply: z.unknown(),
    help: 'The invoice as it was issued, application/pdf.',
  },

  'admin.customers': {
    method: 'GET',
    path: '/api/admin/customers',
    who: 'admin',
    reply: page(record.CustomerSummary),
    help: 'All customers.',
  },
  'admin.topUp': {
    method: 'POST',
    path: '/api/admin/customers/:id/top-ups',
    who: 'admin',
    body: z.strictObject({ nanos: record.decimal, reference: line(longestReference) }),
    reply: record.CustomerSummary.extend({ booked: z.boolean() }),
    help: 'Books money that arrived; the reference makes it once, and booked tells whether that was now.',
  },
  'admin.invoices': {
    method: 'GET',
    path: '/api/admin/invoices',
    who: 'admin',
    reply: page(record.InvoiceSummary),
    help: 'All invoices, newest first.',
  },
  'admin.issueInvoice': {
    method: 'POST',
    path: '/api/admin/customers/:id/invoices',
    who: 'admin',
    reply: z.object({ invoice: record.InvoiceSummary.optional() }),
    help: 'Invoices what a customer has used and was not yet invoiced, up to now, if anything. Takes an Idempotency-Key header: the same key again is the same invoice.',
  },
  'admin.hosts': {
    method: 'GET',
    path: '/api/admin/hosts',
    who: 'admin',
    reply: page(record.Host),
    help: 'Every host, and whether it answers.',
  },
  'admin.templates': {
    method: 'GET',
    path: '/api/admin/hosts/:host/templates',
    who: 'admin',
    reply: z.object({ templates: z.array(record.Template), snapshots: z.array(record.Snapshot) }),
    help: 'The templates of a host, and the tree of snapshots they are.',
  },
  'admin.template': {
    method: 'GET',
    path: '/api/admin/hosts/:host/templates/:name/:version',
    who: 'admin',
    reply: z.object({ template: record.Template, steps: z.array(record.Step) }),
    help: 'One template with its lines, and how far a build of it is.',
  },
  'admin.templateLog': {
    method: 'GET',
    path: '/api/admin/hosts/:host/templates/:name/:version/lines/:line/log/:offset',
    who: 'admin',
    reply: z.object({ text: z.string(), next: record.decimal, done: z.boolean() }),
    help: 'What a line printed, 64 KiB at a time from an offset; done once nothing follows.',
  },

  'health.get': {
    method: 'GET',
    path: '/api/health',
    who: 'anyone',
    reply: z.object({ status: z.literal('ok'), version: z.string() }),
    help: 'Answers 200 once site can serve.',
  },
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof routes;
