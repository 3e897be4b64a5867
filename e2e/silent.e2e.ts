import { en } from '@berth/i18n';
import { expect, test, type Page } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { pidOf } from './kept-con.ts';
import { addRunning, expectState, facts, signUp } from './person.ts';

const [, second] = facts.cons ?? [];
const nftTable = `e2e${randomBytes(3).toString('hex')}`;
const app = facts.driver === 'linux' ? /nginx/ : /Django/;

/** Rules on the way to the second con, which no other program uses. */
function rules(...chains: string[]): void {
  execFileSync('nft', ['-f', '-'], { input: `table inet ${nftTable} {\n${chains.join('\n')}\n}\n` });
}

const onArrival = (verdict: string): string =>
  `chain arrival { type filter hook input priority -10; iif lo tcp dport ${second.port} ${verdict}; }`;

/** Answers whoever connects, a byte a second. */
async function dripper(): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('data', () => undefined);
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 100000\r\n\r\n');
    const timer = setInterval(() => socket.write('<'), 1_000);
    socket.on('close', () => clearInterval(timer));
  });
  await new Promise<void>((up) => server.listen(0, '127.0.0.1', up));
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

type Cure = () => void;
const lift: Cure = () => void execFileSync('nft', ['delete', 'table', 'inet', nftTable]);

/** Each makes the second con silent in its way, and answers how to end it. */
const silences: Readonly<Record<string, () => Promise<Cure> | Cure>> = {
  'refuses connections': () => {
    rules(onArrival('reject with tcp reset'));
    return lift;
  },
  'stands still': () => {
    process.kill(pidOf(second), 'SIGSTOP');
    return () => process.kill(pidOf(second), 'SIGCONT');
  },
  'gets no packet': () => {
    rules(onArrival('drop'));
    return lift;
  },
  'sends a byte a second': async () => {
    const { port, close } = await dripper();
    rules(
      `chain detour { type nat hook output priority -100; oif lo tcp dport ${second.port} redirect to :${port}; }`,
      onArrival('reject with tcp reset'), // connections of before the detour
    );
    return () => {
      lift();
      close();
    };
  },
};

test.describe('A host that falls silent', () => {
  let cure: Cure | undefined;
  test.skip(() => process.getuid?.() !== 0, 'needs root for rules on packets');
  test.afterEach(() => {
    cure?.();
    cure = undefined;
  });

  let page: Page, there: string, here: string;
  test.beforeAll(async ({ browser }) => {
    page = await browser.newPage();
    await signUp(page);
    there = await addRunning(page, /Hello/);
    here = await addRunning(page, app);
  });
  test.afterAll(() => page.close());

  for (const [how, silence] of Object.entries(silences)) {
    test(`and ${how}: its rows say unknown, all else goes on`, async () => {
      await expectState(page, there, en.state.running);
      cure = await silence();
      await expectState(page, there, en.state.unknown);
      await expectState(page, here, en.state.running);

      await page.getByRole('link', { name: en.shell.billing }).click();
      await expect(page.getByText(en.billing.unbilled)).toBeVisible();
      await page.getByRole('link', { name: en.shell.containers }).click();
      await expectState(page, there, en.state.unknown);
      await expectState(page, here, en.state.running);

      cure();
      cure = undefined;
      await expectState(page, there, en.state.running);
    });
  }
});
