import { conClient } from '@berth/con-protocol';
import { en } from '@berth/i18n';
import { expect, test } from '@playwright/test';
import { facts, signIn, soon } from './person.ts';

test.skip(() => facts.driver !== 'linux', 'needs real containers: a fake line prints nothing');

test('an admin sees the tree of snapshots, follows a build line by line with its live log, and finds it in the tree', async ({
  page,
}) => {
  const con = conClient({ socketPath: facts.cons[0].socket });
  const name = `t${Math.random().toString(36).slice(2, 8)}`;
  await signIn(page, facts.admin);
  await page.goto(`${facts.url}/admin/templates`);
  const tree = page.getByRole('list', { name: en.admin.templates });
  const base = tree.getByRole('listitem', { name: /^FROM debian:bookworm, / });
  await expect(base).toBeVisible();
  await expect(tree.getByRole('button', { name: 'nginx:1' })).toBeVisible();

  const long = 'echo begun; for second in 1 2 3 4 5 6 7 8; do sleep 1; done';
  const confile = `FROM nginx:1\nRUN echo first > /first\nRUN ${long}\n`;
  await con['templates.build']({ name, version: '1', confile });
  await page.getByRole('button', { name: new RegExp(`${name}:1`) }).click();
  const panel = page.getByRole('region', { name: `${name}:1` });
  await expect(panel.getByText('2 of 3 lines')).toBeVisible({ timeout: 20_000 });
  const lines = panel.getByRole('list', { name: en.templates.lines });
  await expect(lines.getByRole('button', { name: /runs RUN echo begun/ })).toBeVisible();
  await expect(panel.getByRole('heading', { name: 'Log of line 3' })).toBeVisible();
  await expect(panel.locator('pre')).toHaveText('begun\n');

  const stays = await lines.getByRole('button', { name: /RUN echo first/ }).elementHandle();
  await lines.getByRole('button', { name: /RUN echo first/ }).click();
  await expect(panel.locator('pre')).toHaveText(en.templates.noLog);
  // Polled every second: what was chosen stays chosen, and is the same element.
  await page.waitForResponse((answer) => answer.url().endsWith(`/templates/${name}/1`));
  expect(await stays!.evaluate((element) => element.isConnected && element.getAttribute('aria-pressed'))).toBe('true');

  await expect(tree.getByRole('button', { name: `${name}:1` })).toBeVisible(soon);
  await expect(tree.getByRole('listitem', { name: /^RUN echo first > \/first, / })).toBeVisible();
  await expect(panel.getByText(/\bready\b/)).toBeVisible();
});
