import { en } from '@berth/i18n';
import { expect, test } from '@playwright/test';
import { addContainer, expectState, facts, filled, newPerson, signIn, signUp, trash } from './person.ts';

test('what went into the trash comes back by Undo in the message', async ({ page }) => {
  await signUp(page);
  const name = await addContainer(page, /Hello/);
  await trash(page, name);
  await expectState(page, name, en.state.trashed); // it does not jump away under the pointer
  await page.getByRole('button', { name: en.containers.undo }).click();
  await expectState(page, name, en.state.stopped);
  await expect(page.getByRole('heading', { name: en.containers.trashTitle })).toHaveCount(0);
});

test('and on another browser, after the tab with the message was closed', async ({ page, browser }) => {
  const ada = await signUp(page, newPerson());
  const name = await addContainer(page, /Hello/);
  await trash(page, name);
  await page.close();

  const elsewhere = await browser.newContext();
  const other = await elsewhere.newPage();
  await signIn(other, ada);
  const bin = other.getByRole('table', { name: en.containers.trashTitle });
  await expect(bin.getByRole('rowheader', { name, exact: true })).toBeVisible();
  await bin.getByRole('button', { name: filled(en.containers.restoreIt, { name }) }).click();
  await expectState(other, name, en.state.stopped);
  await expect(bin).toHaveCount(0);
  await elsewhere.close();
});

test('by keyboard, and focus stays on the page', async ({ page }) => {
  await signUp(page);
  const focused = () => page.evaluate(() => document.activeElement?.localName);
  await expect.poll(focused).toBe('main'); // the form that had it has gone
  const name = await addContainer(page, /Hello/);
  await trash(page, name);
  await page.getByRole('button', { name: en.containers.undo }).focus();
  await page.keyboard.press('Enter');
  await expectState(page, name, en.state.stopped);
  await expect.poll(focused).toBe('main');
});

test('who signs out in one tab is out in the other', async ({ page, context }) => {
  await signUp(page);
  const other = await context.newPage();
  await other.goto(`${facts.url}/billing`);
  await expect(other.getByRole('heading', { name: en.billing.title })).toBeVisible();
  await page.getByRole('button', { name: en.shell.signOut }).click();
  await expect(other.getByRole('heading', { name: en.session.signIn })).toBeVisible();
});

test('who signs in in one tab is signed in in all of them: no tab shows one person and acts for another', async ({
  context,
  page,
}) => {
  const bob = await signUp(page);
  await page.getByRole('button', { name: en.shell.signOut }).click();
  const ada = await signUp(page);
  const other = await context.newPage();
  await other.goto(facts.url);
  await expect(other.getByText(ada.email)).toBeVisible();
  await page.goto(`${facts.url}/sign-in`); // without having signed out
  await signIn(page, bob);
  await expect(other.getByText(ada.email)).toBeHidden();
});
