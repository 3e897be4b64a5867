import type { ContainerList } from '@berth/site-api';
import { expect, type Page } from '@playwright/test';
import type { z } from 'zod';

type List = z.input<typeof ContainerList>;
type Row = List['containers'][number];

/** The dashboard asks for its list this often. */
const pollEveryMs = 2_000;
const noon = Date.parse('2026-03-02T12:00:00Z');

/** The list of containers as the test tells it, and the clock by which the page asks for it. */
export class FedList {
  rows: Row[] = [];
  /** Paths of all that was asked to be done. */
  readonly acts: string[] = [];
  private answers = 0;

  private constructor(private readonly page: Page) {}

  /** From the next page on its list comes from here, and `tick` moves its clock. */
  static async feed(page: Page, rows: Row[]): Promise<FedList> {
    const list = new FedList(page);
    list.rows = rows;
    await page.clock.install({ time: noon });
    await page.route('**/api/containers', (route) => {
      if (route.request().method() !== 'GET') return route.fallback();
      list.answers += 1;
      return route.fulfill({ json: list.answer() });
    });
    await page.route('**/api/containers/*/*', (route) => {
      const path = new URL(route.request().url()).pathname;
      list.acts.push(path);
      return route.fulfill({ json: list.rows.find(({ id }) => path.includes(`/${id}/`)) });
    });
    return list;
  }

  /** Tells the page something new, and comes back once the page shows it. */
  async tick(change: (rows: Row[]) => Row[]): Promise<void> {
    this.rows = change(this.rows);
    const before = this.answers;
    await this.page.clock.runFor(pollEveryMs);
    await expect.poll(() => this.answers).toBeGreaterThan(before);
    await this.isShown();
  }

  async isShown(): Promise<void> {
    await expect(async () => expect(await this.page.locator('body').textContent()).toContain(this.mark())).toPass({
      timeout: 15_000,
    });
  }

  /** Every answer has a cost of its own in its first row, so that the test sees that it is shown. */
  private mark(): string {
    return `0.${String(this.answers).padStart(4, '0')}`;
  }

  private answer(): List {
    const [first, ...others] = this.rows;
    const marked = first ? [{ ...first, costTodayNanos: `${this.answers}00000` }, ...others] : [];
    return { containers: marked, mayStart: true, now: new Date(noon).toISOString(), currency: 'EUR' };
  }
}

export function fedRow(name: string, at: number, more: Partial<Row> = {}): Row {
  const since = new Date(noon - 1_000_000 + at * 1_000).toISOString();
  return {
    id: `id-${name}`,
    name,
    app: { name: 'nginx', version: '1', title: 'nginx' },
    size: 'small',
    memoryBytes: '268435456',
    state: 'stopped',
    since,
    loginWaiting: false,
    createdAt: since,
    costTodayNanos: '0',
    hourNanos: '10000000',
    host: 'first',
    ...more,
  };
}
