import { en } from '@berth/i18n';
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Locator, type Page } from '@playwright/test';
import { addRunning, facts, filled, rowOf, signUp, soon } from './person.ts';

const app = facts.driver === 'linux' ? /Hello/ : /Django/;

async function pageOf(page: Page): Promise<string> {
  await signUp(page);
  const name = await addRunning(page, app);
  await rowOf(page, name).getByRole('link', { name, exact: true }).click();
  await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible();
  return name;
}

const act = (page: Page, word: string): Locator =>
  page.getByRole('group', { name: en.container.acts }).getByRole('button', { name: word, exact: true });
const says = (page: Page, word: string) => expect(page.locator('.state-line')).toContainText(word, soon);

test('a container is frozen, thawed, restarted and turned off on its page, and each button says why it is off', async ({
  page,
}) => {
  await pageOf(page);
  await says(page, en.state.running);
  await expect(act(page, en.container.thaw)).toHaveAttribute('title', en.why.running);
  await act(page, en.container.freeze).click();
  await says(page, en.state.frozen);
  await act(page, en.container.thaw).click();
  await says(page, en.state.running);
  await act(page, en.container.restart).click();
  await says(page, en.state.running);
  await act(page, en.containers.stop).click();
  await says(page, en.state.stopped);
  await expect(act(page, en.container.restart)).toHaveAttribute('aria-disabled', 'true');
});

test('a snapshot is kept while it is on, put back once it is off, and removed by typing its name', async ({ page }) => {
  const name = await pageOf(page);
  await page.getByLabel(en.container.snapshotName).fill('before-the-update');
  await page.getByRole('button', { name: en.container.keep }).click();
  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'before-the-update' }) });
  await expect(row).toContainText('MB', soon);
  const restore = row.getByRole('button', {
    name: filled(en.container.restoreIt, { name: 'before-the-update' }),
  });
  await expect(restore).toHaveAttribute('aria-disabled', 'true');
  await act(page, en.containers.stop).click();
  await says(page, en.state.stopped);

  await restore.click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: en.containers.restore }).click();
  await expect(dialog.getByText(filled(en.typed.rule, { word: name }))).toBeVisible();
  await dialog.getByRole('textbox').fill(name);
  await dialog.getByRole('button', { name: en.containers.restore }).click();
  const message = page.getByRole('region', { name: en.shell.message });
  await expect(message.getByText(filled(en.container.restored, { name, snapshot: 'before-the-update' }))).toBeVisible(
    soon,
  );
  await says(page, en.state.stopped);

  await row.getByRole('button', { name: filled(en.container.removeIt, { name: 'before-the-update' }) }).click();
  await dialog.getByRole('textbox').fill('before-the-update');
  await dialog.getByRole('button', { name: en.container.remove, exact: true }).click();
  await expect(row).toBeHidden(soon);
});

test('another name is given on the page of a container; what is being typed there survives the polls', async ({
  page,
}) => {
  const name = await pageOf(page);
  const field = page.getByLabel(en.containers.name, { exact: true });
  await field.fill('half');
  await page.waitForResponse((answer) => answer.url().endsWith('/detail'));
  await page.waitForResponse((answer) => answer.url().endsWith('/api/containers'));
  await expect(field).toHaveValue('half');
  await field.fill(`${name}-2`);
  await page.getByRole('button', { name: en.container.rename }).click();
  await expect(page.getByRole('heading', { name: `${name}-2`, level: 1 })).toBeVisible(soon);
  await page.getByRole('link', { name: en.container.back }).click();
  await expect(rowOf(page, `${name}-2`)).toBeVisible();
});

test('the page of a container passes axe in both themes and fits 360 px; one of somebody else is not there', async ({
  page,
  browser,
}) => {
  const name = await pageOf(page);
  const address = page.url();
  await page.getByRole('button', { name: en.container.keep }).click();
  await expect(page.getByRole('rowheader')).toBeVisible(soon);
  for (const theme of ['light', 'dark']) {
    await page.evaluate((word) => (document.documentElement.dataset['theme'] = word), theme);
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 800 });
      const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag22aa']).analyze();
      expect(
        violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
        `${theme} ${width}`,
      ).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    }
  }
  const stranger = await (await browser.newContext()).newPage();
  await signUp(stranger);
  await stranger.goto(address);
  await expect(stranger.getByRole('heading', { name: en.container.missing })).toBeVisible();
  await expect(stranger.getByText(name)).toBeHidden();
});
