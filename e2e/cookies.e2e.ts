import { conClient } from '@berth/con-protocol';
import { expect, test } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { root } from '../tools/sources.ts';
import { addRunning, facts, rowOf, signUp, soon } from './person.ts';

const [first] = facts.cons ?? [];

test.skip(() => facts.driver !== 'linux', 'needs real containers: a fake one has no inside');

/** Runs a command inside a container, through con's own command line. */
function inside(name: string, ...argv: string[]): string {
  const main = resolve(root, 'apps/con/dist/main.js');
  const args = ['--no-warnings', main, 'containers', 'exec', '--socket', first.socket, '--', name, ...argv];
  return execFileSync(process.execPath, args, { encoding: 'utf8' });
}

test('a signed-in browser that clicks the link of an app sends it no cookie of ours', async ({ page, context }) => {
  await signUp(page);
  const name = await addRunning(page, /nginx/);
  const ours = (await context.cookies()).map((cookie) => cookie.name);
  expect(ours.length).toBeGreaterThan(0);

  const noting =
    's|access_log .*|log_format seen "$http_user_agent [$http_cookie]"; access_log /var/log/nginx/seen.log seen;|';
  inside(name, 'sed', '-i', noting, '/etc/nginx/nginx.conf');
  inside(name, 'nginx', '-s', 'reload');
  const link = rowOf(page, name).getByRole('link', { name: /^http/ });
  const url = (await link.getAttribute('href'))!;
  // A cookie that is sent is seen: else none seen would prove nothing.
  const seen = (): string => inside(name, 'cat', '/var/log/nginx/seen.log');
  await expect(async () => {
    await fetch(url, { headers: { cookie: 'canary=1', 'user-agent': 'canary' } });
    expect(seen()).toContain('canary [canary=1]');
  }).toPass(soon);

  const [opened] = await Promise.all([context.waitForEvent('page'), link.click()]);
  await expect(opened.getByText(name)).toBeVisible(soon);
  const ofTheBrowser = (): string[] =>
    seen()
      .split('\n')
      .filter((line) => line.includes('Mozilla'));
  await expect.poll(() => ofTheBrowser().length, soon).toBeGreaterThan(0);
  for (const line of ofTheBrowser()) expect(line).toMatch(/ \[-?\]$/);
  expect(await opened.evaluate(() => document.referrer)).toBe('');
});

test('two containers of one template share no secret, no key and no id', async ({ page }) => {
  await signUp(page);
  const names = [await addRunning(page, /Django/), await addRunning(page, /Django/)];
  const [one, other] = await Promise.all(names.map(secretsOf));
  expect(Object.keys(one!)).toEqual(Object.keys(other!));
  for (const [what, value] of Object.entries(one!)) {
    expect(value.length, what).toBeGreaterThan(10);
    expect(other![what], what).not.toBe(value);
  }
});

/** Whatever of a container must be its own: what con gave it, and what its first boot made of that. */
async function secretsOf(name: string): Promise<Readonly<Record<string, string>>> {
  await expect(async () => inside(name, 'test', '-e', '/var/lib/berth/first-boot-done')).toPass(soon);
  const con = conClient({ socketPath: first.socket });
  const { containers = [] } = await con['containers.list']({});
  const { address, id } = containers.find((one) => one.name === name)!;
  const hostKeys = inside(name, 'find', '/etc/ssh', '-name', 'ssh_host_*').split('\n').filter(Boolean);
  return {
    id,
    address: `address ${address}`,
    machine: inside(name, 'cat', '/etc/machine-id'),
    secret: inside(name, 'sed', '-nz', '/^BERTH_SECRET=/p', '/proc/1/environ'),
    key: inside(name, 'sed', '-n', '/^SECRET_KEY=/p', '/etc/guestbook.env'),
    login: inside(name, 'sed', '-n', '/^password=/p', '/var/lib/berth/login'),
    ...Object.fromEntries(hostKeys.map((file) => [file, inside(name, 'cat', file)])),
  };
}
