import { en } from '@berth/i18n';
import { expect, type Locator, type Page } from '@playwright/test';
import { randomBytes } from 'node:crypto';
import type { Facts } from './stack.ts';

/** What a person does in a browser, in the words that stand on the page. */
export type Person = Readonly<{ name: string; email: string; password: string }>;

export const facts = JSON.parse(process.env['BERTH_E2E'] ?? '{}') as Facts;

/** A change of state shows with the next poll; a busy machine may take its time for the change itself. */
export const soon = { timeout: 30_000 };

/** Somebody nobody has met before. */
export function newPerson(): Person {
  const email = `ada-${randomBytes(4).toString('hex')}@example.org`;
  return { name: 'Ada Example', email, password: 'correct horse battery' };
}

/** A sentence of the catalogue with its gaps filled. */
export function filled(sentence: string, words: Readonly<Record<string, string>>): string {
  return sentence.replace(/\{\{ (\w+) \}\}/g, (_, word: string) => words[word] ?? '');
}

export async function signUp(page: Page, person = newPerson()): Promise<Person> {
  await page.goto(`${facts.url}/sign-up`);
  await page.getByLabel(en.session.name).fill(person.name);
  await page.getByLabel(en.session.email).fill(person.email);
  await page.getByLabel(en.session.password).fill(person.password);
  await page.getByRole('button', { name: en.session.signUp }).click();
  await expectContainers(page);
  return person;
}

export async function signIn(page: Page, { email, password }: Pick<Person, 'email' | 'password'>): Promise<void> {
  await page.goto(`${facts.url}/sign-in`);
  await page.getByLabel(en.session.email).fill(email);
  await page.getByLabel(en.session.password).fill(password);
  await page.getByRole('button', { name: en.session.signIn }).click();
  await expectContainers(page);
}

async function expectContainers(page: Page): Promise<void> {
  await expect(page.getByRole('heading', { name: en.containers.title, level: 1 })).toBeVisible(soon);
}

/** Adds one with the size that is suggested. @returns its name: the one given, or one that nobody has. */
export async function addContainer(page: Page, app: string | RegExp, name?: string): Promise<string> {
  await page.getByRole('button', { name: en.containers.add }).click();
  const dialog = page.getByRole('dialog', { name: en.add.title });
  await dialog.getByRole('radio', { name: app }).check();
  const field = dialog.getByLabel(en.add.name);
  // The name suggested follows the app a moment after it is chosen; one of our own is there at once.
  const taken = name ?? `own-${randomBytes(4).toString('hex')}`;
  await field.fill(taken);
  await dialog.getByRole('button', { name: en.add.submit, exact: true }).click();
  await expect(dialog).toBeHidden(soon);
  await expectState(page, taken, en.state.stopped);
  return taken;
}

/** Presses start and waits for the green dot's word. */
export async function start(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: filled(en.containers.startIt, { name }), exact: true }).click();
  await expectState(page, name, en.state.running);
}

export async function addRunning(page: Page, app: string | RegExp, name?: string): Promise<string> {
  const added = await addContainer(page, app, name);
  await start(page, added);
  return added;
}

export async function trash(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: filled(en.containers.trashIt, { name }), exact: true }).click();
  await expect(page.getByText(filled(en.containers.trashed, { name }))).toBeVisible(soon);
}

/** A row of the containers, not of the trash. */
export function rowOf(page: Page, name: string): Locator {
  return page
    .getByRole('table', { name: en.containers.table, exact: true })
    .getByRole('row')
    .filter({ has: page.getByRole('rowheader', { name, exact: true }) });
}

export async function expectState(page: Page, name: string, word: string): Promise<void> {
  await expect(rowOf(page, name).getByRole('cell').first()).toContainText(word, soon);
}
