import { conClient, type Sample } from '@berth/con-protocol';
import { en } from '@berth/i18n';
import { expect, test, type Page } from '@playwright/test';
import { rmSync, writeFileSync } from 'node:fs';
import { pidOf } from './kept-con.ts';
import { addRunning, expectState, facts, filled, rowOf, signIn, signUp, soon } from './person.ts';

const [first] = facts.cons ?? [];
const con = () => conClient({ socketPath: first.socket });

test.skip(() => facts.driver !== 'linux', 'needs real containers: a fake one serves no page');
test.afterEach(() => rmSync(first.holdFile, { force: true }));

test('kill -9 of con: the app goes on serving, the list says unknown, and the bill has every second once', async ({
  page,
  browser,
}) => {
  const ada = await signUp(page);
  const name = await addRunning(page, /nginx/);
  const url = (await rowOf(page, name).getByRole('link', { name: /^http/ }).getAttribute('href'))!;
  await expect(async () => expect(await statusOf(page, url)).toBe(200)).toPass(soon);
  const { id, boot, since } = await told(name);
  const before = await samples(id, true);

  writeFileSync(first.holdFile, '');
  process.kill(pidOf(first), 'SIGKILL');
  await expectState(page, name, en.state.unknown);
  expect(await statusOf(page, url)).toBe(200);

  rmSync(first.holdFile);
  await expectState(page, name, en.state.running);
  expect(await statusOf(page, url)).toBe(200);
  expect(await told(name)).toMatchObject({ id, boot, since });

  const after = await samples(id, true);
  expect(after.slice(0, before.length)).toEqual(before);
  for (const [at, sample] of after.entries()) follows(sample, after[at - 1]);
  const ran = after.reduce((sum, { runMs }) => sum + runMs, 0n);
  const wall = BigInt(Date.parse(after.at(-1)!.to) - Date.parse(since));
  // Labels are wall time and durations are monotonic: each is cut to whole milliseconds for itself.
  expect(ran - wall <= after.length && wall - ran <= after.length).toBe(true);

  await page.getByRole('button', { name: filled(en.containers.stopIt, { name }) }).click();
  await expectState(page, name, en.state.stopped);
  const admin = await (await browser.newContext()).newPage();
  await signIn(admin, facts.admin);
  await issue(admin, ada.email);
  const whole = (await samples(id, true)).reduce((sum, { runMs }) => sum + runMs, 0n);
  expect(await invoicedMs(page)).toBe(whole);
  await admin.context().close();
});

async function issue(admin: Page, email: string): Promise<void> {
  await admin.goto(`${facts.url}/admin`);
  await admin.getByRole('button', { name: filled(en.admin.issueIt, { email }) }).click();
  const dialog = admin.getByRole('dialog', { name: filled(en.admin.issueTitle, { email }) });
  await dialog.getByRole('textbox').fill(email);
  await dialog.getByRole('button', { name: en.admin.issue, exact: true }).click();
  await expect(admin.getByRole('region', { name: en.shell.message })).toBeVisible();
}

/** Time on by the lines of the customer's one invoice. */
async function invoicedMs(page: Page): Promise<bigint> {
  const { items } = (await (await page.request.get(`${facts.url}/api/invoices`)).json()) as {
    items: { number: string }[];
  };
  expect(items).toHaveLength(1);
  const answer = await page.request.get(`${facts.url}/api/invoices/${items[0]!.number}`);
  const { lines } = (await answer.json()) as { lines: { measure: string; quantity: string }[] };
  return lines.filter(({ measure }) => measure === 'run').reduce((sum, { quantity }) => sum + BigInt(quantity), 0n);
}

/** What the journal promises of two samples in a row: no gap, no second twice, no counter that goes back. */
function follows(sample: Sample, before: Sample | undefined): void {
  expect(sample.cpuNanos).toBeGreaterThanOrEqual(0n);
  if (!before) return;
  expect(sample.from).toBe(before.to);
  expect(sample.cpuTotalNanos).toBeGreaterThanOrEqual(before.cpuTotalNanos);
  expect(sample.bytesInTotal).toBeGreaterThanOrEqual(before.bytesInTotal);
  expect(sample.bytesOutTotal).toBeGreaterThanOrEqual(before.bytesOutTotal);
}

async function told(name: string) {
  const { containers = [] } = await con()['containers.list']({});
  return containers.find((one) => one.name === name)!;
}

/** All of one container's samples, up to now. */
async function samples(id: string, cut: boolean): Promise<Sample[]> {
  const read: Sample[] = [];
  for (let after = 0n; ;) {
    const part = await con()['usage.read']({ after, limit: 1_000, cut: cut && after === 0n });
    if (part.samples.length === 0) return read;
    read.push(...part.samples.filter(({ container }) => container === id));
    after = part.next;
  }
}

async function statusOf(page: Page, url: string): Promise<number> {
  return (await page.request.get(url)).status();
}
