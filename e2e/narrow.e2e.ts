import { de, en } from '@berth/i18n';
import { expect, test, type Locator, type Page } from '@playwright/test';
import { FedList, fedRow } from './fed-list.ts';
import { facts, rowOf, signIn, signUp } from './person.ts';

const on = {
  state: 'running',
  url: 'https://guestbook-of-us.apps.example.org',
  numbers: { cpuMillis: 1_234, memoryBytes: '1073741824', bytesIn: '1', bytesOut: '2' },
  app: { name: 'django', version: '4.2', title: 'Django' },
} as const;

const rows = [
  fedRow('off', 0),
  fedRow('guestbook-of-us', 1, { ...on, loginWaiting: true }),
  fedRow('moving', 2, { ...on, state: 'stopping', numbers: { ...on.numbers, cpuMillis: 9 } }),
  fedRow(`a-${'very-'.repeat(11)}long`, 3, {
    ...on,
    app: { name: 'django', version: '4.2.17', title: 'A content management system with a long title' },
    numbers: { cpuMillis: 4, memoryBytes: '7654321', bytesIn: '0', bytesOut: '0' },
  }),
];

/** How many lines stand one under the other in a row. */
function lines(row: Locator): Promise<number> {
  return row.evaluate((element) => {
    const shown = [...element.querySelectorAll('td > *, th, td')].filter(
      (it) => it.checkVisibility() && it.clientHeight > 0 && !it.matches('.tip') && it.children.length === 0,
    );
    const middles = shown.map((it) => it.getBoundingClientRect()).map(({ top, height }) => top + height / 2);
    let line = -Infinity;
    return middles
      .sort((a, b) => a - b)
      .filter((middle) => {
        const isNext = middle - line > 8;
        if (isNext) line = middle;
        return isNext;
      }).length;
  });
}

async function narrowList(page: Page, width: number): Promise<void> {
  await page.setViewportSize({ width, height: 740 });
  await signUp(page);
  const list = await FedList.feed(page, rows);
  await page.goto(facts.url);
  await list.isShown();
}

for (const width of [360, 481, 560, 620, 800]) {
  test(`at ${width} px a row is two lines, and says all that the wide table says`, async ({ page }) => {
    await narrowList(page, width);
    for (const { name } of rows) expect(await lines(rowOf(page, name)), name).toBe(2);
    await page.getByLabel(en.shell.language).selectOption({ label: 'Deutsch' });
    for (const { name } of rows)
      expect(
        await lines(page.locator('table.grid tr').filter({ has: page.getByRole('rowheader', { name, exact: true }) })),
        name,
      ).toBe(2);
    await page.getByLabel(de.shell.language).selectOption({ label: 'English' });
    const row = rowOf(page, 'guestbook-of-us');
    for (const words of [
      en.state.running,
      'Django',
      '4.2',
      'guestbook-of-us.apps.example.org',
      '123%',
      '1 GB',
      '€0.0000',
    ])
      await expect(row.getByText(words).first(), words).toBeVisible();
    expect(await row.getByRole('button').count()).toBe(4);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  });
}

test('where the heads of the columns have no room, rows are sorted by a choice of their own', async ({ page }) => {
  await narrowList(page, 360);
  // Text that is there, drawn or not: a row just moved may not be drawn yet.
  const names = () => page.locator('table.grid tbody th').allTextContents();
  await page.getByLabel(en.containers.sortBy).selectOption({ label: en.containers.cpu });
  expect((await names())[0]).toBe('off');
  await page.getByRole('button', { name: en.containers.sortDown }).click();
  expect((await names())[0]).toBe('guestbook-of-us');

  await page.setViewportSize({ width: 1280, height: 900 });
  await expect(page.getByLabel(en.containers.sortBy)).toBeHidden();
  await expect(page.getByRole('columnheader', { name: en.containers.cpu })).toHaveAttribute('aria-sort', 'descending');
});

test('nothing that a page tells is left out where there is little room', async ({ page }) => {
  await signIn(page, facts.admin);
  await page.setViewportSize({ width: 360, height: 740 });
  for (const [path, heading] of [
    ['/admin/customers', en.admin.customers],
    ['/admin/hosts', en.admin.hosts],
  ] as const) {
    await page.goto(facts.url + path);
    const table = page.getByRole('table', { name: heading });
    await expect(table.getByRole('row').nth(1)).toBeVisible();
    const hidden = await table.evaluate(
      (it) => [...it.querySelectorAll('tbody td')].filter((cell) => !cell.checkVisibility()).length,
    );
    expect(hidden, path).toBe(0);
  }
});
