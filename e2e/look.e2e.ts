import AxeBuilder from '@axe-core/playwright';
import { de, en } from '@berth/i18n';
import { expect, test, type Page } from '@playwright/test';
import { addContainer, addRunning, facts, filled, rowOf, signIn, signUp, trash } from './person.ts';

const themes = { light: en.shell.themeLight, dark: en.shell.themeDark };
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const narrow = { width: 360, height: 740 };
/** Between the two layouts, where most laptops' half screens are. */
const between = [992, 1010, 1024, 1140];
const wide = { width: 1280, height: 900 };

/** All that a browser complains of: errors of scripts, of the console, of the content security policy. */
function complaintsOf(page: Page): string[] {
  const heard: string[] = [];
  page.on('pageerror', (error) => heard.push(String(error)));
  page.on('console', (line) => line.type() === 'error' && heard.push(line.text()));
  return heard;
}

/** Both themes, wide and narrow: axe finds nothing, and nothing has to be scrolled sideways. */
async function looksRight(page: Page, what: string): Promise<void> {
  for (const [theme, word] of Object.entries(themes)) {
    await page.setViewportSize(wide);
    await page.evaluate((name) => localStorage.setItem('berth.theme', name), theme);
    await page.evaluate((name) => (document.documentElement.dataset['theme'] = name), theme);
    const { violations } = await new AxeBuilder({ page }).withTags(rules).analyze();
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
      `${what}, ${word}`,
    ).toEqual([]);
  }
  for (const width of between) {
    await page.setViewportSize({ width, height: 800 });
    const needed = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(needed, `${what} is ${needed} wide at ${width}`).toBeLessThanOrEqual(width);
  }
  await page.setViewportSize(narrow);
  const { violations } = await new AxeBuilder({ page }).withTags(rules).analyze();
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
    `${what}, narrow`,
  ).toEqual([]);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(width, `${what} is ${width} wide at 360`).toBeLessThanOrEqual(narrow.width);
  await page.setViewportSize(wide);
}

async function visit(page: Page, path: string, heading: string): Promise<void> {
  await page.goto(facts.url + path);
  await expect(page.getByRole('heading', { name: heading }).first()).toBeVisible();
  await looksRight(page, path);
}

test('every page of a customer passes axe in both themes, fits 360 px and makes the browser complain of nothing', async ({
  page,
}) => {
  const complaints = complaintsOf(page);
  await visit(page, '/sign-in', en.session.signIn);
  await visit(page, '/sign-up', en.session.signUp);
  await signUp(page);
  await visit(page, '/', en.containers.emptyTitle);
  const on = await addRunning(page, /Django/);
  const name = await addContainer(page, /Hello/, `a-${'very-'.repeat(11)}long`);
  await trash(page, name);
  await addContainer(page, /Hello/);
  await visit(page, '/', en.containers.trashTitle);

  await page.getByRole('button', { name: en.containers.add }).click();
  await expect(page.getByRole('dialog').getByLabel(en.add.name)).toBeVisible();
  await looksRight(page, 'adding');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: filled(en.containers.loginIt, { name: on }) }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await looksRight(page, 'the login');
  await page.keyboard.press('Escape');
  await visit(page, '/billing', en.billing.title);
  await visit(page, '/nowhere', en.shell.notFound);
  expect(complaints).toEqual([]);
});

test('and so does every page of an admin', async ({ page }) => {
  const complaints = complaintsOf(page);
  await signIn(page, facts.admin);
  await visit(page, '/admin/customers', en.admin.customers);
  await page
    .getByRole('button', { name: /^Top up/ })
    .first()
    .click();
  await expect(page.getByRole('dialog').getByLabel(/Amount/)).toBeVisible();
  await looksRight(page, 'topping up');
  await page.keyboard.press('Escape');
  await visit(page, '/admin/invoices', en.admin.invoices);
  await visit(page, '/admin/templates', en.admin.templates);
  await page.getByRole('button', { name: 'django:4.2' }).click();
  await expect(page.getByRole('list', { name: en.templates.lines }).getByRole('listitem').first()).toBeVisible();
  await looksRight(page, 'a template');
  await visit(page, '/admin/hosts', en.admin.hosts);
  expect(complaints).toEqual([]);
});

test('the pages speak English and German, and switching loses neither page nor words typed', async ({ page }) => {
  await page.goto(`${facts.url}/sign-up`);
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await page.getByLabel(en.session.name).fill('Ada Example');
  await page.getByLabel(en.shell.language).selectOption({ label: 'Deutsch' });
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  await expect(page.getByRole('heading', { name: de.session.signUp })).toBeVisible();
  await expect(page.getByLabel(de.session.name)).toHaveValue('Ada Example');
  await page.reload();
  await expect(page.getByRole('heading', { name: de.session.signUp })).toBeVisible();
});

test('why a button is off can be read, over whatever stands below it', async ({ page }) => {
  await signUp(page);
  await addContainer(page, /Hello/);
  const name = await addContainer(page, /Hello/);
  const stop = page.getByRole('button', { name: filled(en.containers.stopIt, { name }) });
  await expect(stop).toHaveAttribute('aria-disabled', 'true');
  await stop.hover();
  const tip = stop.locator('.tip');
  await expect(tip).toBeVisible();
  const onTop = await tip.evaluate((it: HTMLElement) => {
    it.style.pointerEvents = 'auto'; // otherwise the page looks through it
    const { left, top, width, height } = it.getBoundingClientRect();
    return document.elementFromPoint(left + width / 2, top + height - 2) === it;
  });
  expect(onTop).toBe(true);
});

test('a row can be told by its name where there is little room, whatever its state', async ({ page }) => {
  await signUp(page);
  const name = await addContainer(page, /Hello/, 'guestbook-of-us');
  await page.setViewportSize(narrow);
  const cell = rowOf(page, name).getByRole('rowheader');
  const [shown, whole] = await cell.evaluate((it) => [it.clientWidth, it.scrollWidth]);
  expect(shown).toBeGreaterThanOrEqual(whole!);
});
