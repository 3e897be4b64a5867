import { conClient, type Sample } from '@berth/con-protocol';
import { formatNanos } from '@berth/money';
import { expect, test, type Page } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import type { Facts } from './stack.ts';

const facts = JSON.parse(process.env['BERTH_E2E'] ?? '{}') as Facts;
const customer = { name: 'Ada Example', email: `ada-${process.pid}@example.org`, password: 'correct horse battery' };

/** Net, of the tariff that the stack runs with: 26,280 for 730 hours on. */
const price = { nanos: 26_280_000_000_000n, perMs: 730n * 3_600_000n };

test('a customer adds Django, signs in to it, turns it off, and finds every second of it on an invoice', async ({
  page,
  browser,
}) => {
  await signUp(page);
  await expect(page.getByRole('heading', { name: 'No container yet' })).toBeVisible();

  const name = await addContainer(page, 'Django', '4.2');
  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) });
  await expect(row.getByText('off', { exact: true })).toBeVisible();

  await page.getByRole('button', { name: `Start ${name}` }).click();
  await expect(row.getByText('on', { exact: true })).toBeVisible({ timeout: 20_000 });

  const url = (await row.getByRole('link', { name: /^http/ }).getAttribute('href'))!;
  await page.getByRole('button', { name: `Show login of ${name}` }).click();
  const login = await readLogin(page);
  // A fake container serves no page; all else of the journey is the same.
  if (facts.driver === 'linux') await (await signInToTheApp(page, url, login)).close();
  await page.getByRole('button', { name: 'I have noted it' }).click();
  await expect(page.getByRole('button', { name: `Show login of ${name}` })).toBeHidden();

  await expect(row.getByText(/^for ([2-9]|\d\d) sec/)).toBeVisible();
  await page.getByRole('button', { name: `Stop ${name}` }).click();
  await expect(row.getByText('off', { exact: true })).toBeVisible({ timeout: 20_000 });

  const admin = await (await browser.newContext()).newPage();
  await signIn(admin, facts.admin);
  await topUp(admin, '25.00');
  await issueInvoice(admin, /Invoice \S+ was issued/);
  await issueInvoice(admin, /Nothing is due/);

  const text = await readInvoice(page);
  const ran = await ranMs(url);
  expect(ran).toBeGreaterThan(1_000n);
  const net = (ran * price.nanos + price.perMs / 2n) / price.perMs;
  expect(text).toContain(`${secondsOf(ran)} s`);
  expect(text).toContain(exactly(net));
  expect(text).toContain(name);
  booksAgree();
});

async function signUp(page: Page): Promise<void> {
  await page.goto(`${facts.url}/sign-up`);
  await page.getByLabel('Name').fill(customer.name);
  await page.getByLabel('Email').fill(customer.email);
  await page.getByLabel('Password').fill(customer.password);
  await page.getByRole('button', { name: 'Sign up' }).click();
}

async function signIn(page: Page, who: { email: string; password: string }): Promise<void> {
  await page.goto(`${facts.url}/sign-in`);
  await page.getByLabel('Email').fill(who.email);
  await page.getByLabel('Password').fill(who.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Containers', level: 1 })).toBeVisible();
}

/** The price stands there before Add is clicked; the name is the one suggested. */
async function addContainer(page: Page, app: string, version: string): Promise<string> {
  await page.getByRole('button', { name: 'Add container' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add container' });
  await dialog.getByRole('radio', { name: new RegExp(app) }).check();
  await dialog.getByLabel('Version').selectOption(version);
  await expect(dialog.getByText('While it is on: €42.84 an hour')).toBeVisible();
  const name = await dialog.getByLabel('Name').inputValue();
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(dialog).toBeHidden();
  return name;
}

async function readLogin(page: Page): Promise<{ user: string; password: string }> {
  const panel = page.getByRole('dialog', { name: /Login of/ });
  const words = panel.getByRole('definition').locator('code');
  const retry = panel.getByRole('button', { name: 'Try again' });
  await expect(async () => {
    if (await retry.isVisible()) await retry.click(); // its first boot is still making it
    await expect(words).toHaveCount(2, { timeout: 1_000 });
  }).toPass({ timeout: 30_000 });
  const [user = '', password = ''] = await words.allInnerTexts();
  return { user, password };
}

/** A real click on the app's link, then Django's own admin; the app is sent no cookie of ours. */
async function signInToTheApp(page: Page, url: string, login: { user: string; password: string }): Promise<Page> {
  const panel = page.getByRole('dialog', { name: /Login of/ });
  const [app] = await Promise.all([
    page.waitForEvent('popup'),
    panel.getByRole('link', { name: /Open the app/ }).click(),
  ]);
  const answer = await app
    .waitForResponse((response) => response.url().startsWith(url) && response.status() === 200, { timeout: 20_000 })
    .catch(() => app.goto(url));
  expect((await answer!.request().allHeaders())['cookie'] ?? '').not.toMatch(/berth|xsrf/i);
  await app.goto(`${url}/admin/`);
  await app.getByLabel('Username:').fill(login.user);
  await app.getByLabel('Password:').fill(login.password);
  await app.getByRole('button', { name: 'Log in' }).click();
  await expect(app.getByRole('heading', { name: 'Site administration' })).toBeVisible();
  return app;
}

async function topUp(admin: Page, amount: string): Promise<void> {
  await admin.goto(`${facts.url}/admin`);
  await admin.getByRole('button', { name: `Top up ${customer.email}` }).click();
  const dialog = admin.getByRole('dialog', { name: /Top up/ });
  await dialog.getByLabel('Amount').fill(amount);
  await dialog.getByLabel('Reference').fill(`transfer-${process.pid}`);
  await dialog.getByRole('button', { name: 'Book' }).click();
  await expect(dialog).toBeHidden();
}

async function issueInvoice(admin: Page, answer: RegExp): Promise<void> {
  await admin.getByRole('button', { name: `Issue invoice now for ${customer.email}` }).click();
  const dialog = admin.getByRole('dialog', { name: /Issue an invoice/ });
  await dialog.getByRole('textbox').fill('somebody@example.org');
  await dialog.getByRole('button', { name: 'Issue invoice now' }).click();
  await expect(dialog.getByText('That is another address.')).toBeVisible(); // what cannot be undone asks for whom
  await dialog.getByRole('textbox').fill(customer.email);
  await dialog.getByRole('button', { name: 'Issue invoice now' }).click();
  await expect(admin.getByRole('region', { name: 'Message' }).getByText(answer)).toBeVisible();
}

/** The PDF as the customer downloads it, read back. */
async function readInvoice(page: Page): Promise<string> {
  await page.goto(`${facts.url}/billing`);
  const link = page.getByRole('link', { name: /PDF of invoice/ });
  await expect(link).toHaveCount(1);
  const answer = await page.request.get(new URL((await link.getAttribute('href'))!, facts.url).href);
  expect(answer.headers()['content-type']).toContain('application/pdf');
  return pdfText(await answer.body());
}

function pdfText(pdf: Buffer): string {
  return execFileSync('pdftotext', ['-layout', '-', '-'], { input: pdf, encoding: 'utf8' });
}

/** Time on by con's own raw samples, asked of con itself; names are another customer's as well, an address is not. */
async function ranMs(url: string): Promise<bigint> {
  const con = conClient({ socketPath: facts.cons[0]!.socket });
  const { containers = [] } = await con['containers.list']({});
  const { id } = containers.find((one) => one.url === url)!;
  const samples: Sample[] = [];
  for (let after = 0n; ;) {
    const page = await con['usage.read']({ after, limit: 500 });
    if (page.samples.length === 0) break;
    samples.push(...page.samples);
    after = page.next;
  }
  return samples.filter(({ container }) => container === id).reduce((sum, { runMs }) => sum + runMs, 0n);
}

function secondsOf(ms: bigint): string {
  return new Intl.NumberFormat('en-GB', { maximumFractionDigits: 3 }).format(Number(ms) / 1_000);
}

function exactly(nanos: bigint): string {
  return formatNanos(nanos, 'EUR', 'en-GB', 9);
}

/** Every entry balances and every seal agrees, by site's own command. */
function booksAgree(): void {
  const said = execFileSync(process.execPath, ['--no-warnings', facts.siteMain, 'verify-ledger'], {
    encoding: 'utf8',
    env: { ...process.env, ...facts.siteEnv },
  });
  expect(said).toMatch(/^\d+ entries under \d+ seals/);
}
