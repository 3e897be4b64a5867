import { TestBed, type ComponentFixture } from '@angular/core/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { container, FakeSite, providersOf } from '../testing.js';
import { pollEveryMs } from './container-store.js';
import { ContainersPage } from './containers.page.js';

let site: FakeSite;
let page: ComponentFixture<ContainersPage>;

const root = (): HTMLElement => page.nativeElement as HTMLElement;
const rows = (): HTMLElement[] => [...root().querySelectorAll<HTMLElement>('table.grid tbody tr')];
const names = () => rows().map((row) => row.querySelector('th')!.textContent!.trim());
const rowOf = (name: string) => rows()[names().indexOf(name)];

async function tick(): Promise<void> {
  await vi.advanceTimersByTimeAsync(pollEveryMs);
  page.detectChanges();
}

beforeEach(async () => {
  vi.useFakeTimers();
  site = new FakeSite();
  site.containers = ['a', 'b', 'c', 'd'].map((id) => container(id, { state: 'running' }));
  TestBed.configureTestingModule({ providers: providersOf(site) });
  page = TestBed.createComponent(ContainersPage);
  document.body.append(root());
  await vi.advanceTimersByTimeAsync(0);
  page.detectChanges();
});

afterEach(() => {
  root().remove();
  TestBed.resetTestingModule();
  vi.useRealTimers();
});

/** Every tick changes all values and the order, and every other one adds and removes a container. */
function churn(at: number): void {
  const survivors = ['a', 'b', 'c'].map((id) =>
    container(id, {
      costTodayNanos: BigInt(at) * 1_000_000n,
      createdAt: new Date(Date.parse('2026-01-01') + ((at * 7 + id.charCodeAt(0) * 3) % 5) * 1000).toISOString(),
      state: at % 2 ? 'running' : 'stopping',
    }),
  );
  site.containers = at % 2 ? [container(`new-${at}`), ...survivors] : survivors;
}

describe('while the list polls', () => {
  it('a row that survives is the same element for twenty ticks', async () => {
    const before = ['a', 'b', 'c'].map(rowOf);
    const orders = new Set<string>();
    for (let at = 1; at <= 20; at += 1) {
      churn(at);
      await tick();
      orders.add(names().join());
      expect(['a', 'b', 'c'].map(rowOf)).toEqual(before);
      expect(['a', 'b', 'c'].map(rowOf).every((row, index) => row === before[index])).toBe(true);
    }
    expect(orders.size).toBeGreaterThan(3);
  });

  it('a focused button keeps focus, and nothing above it comes or goes', async () => {
    const button = rowOf('c')!.querySelector<HTMLButtonElement>('button.stop')!;
    vi.spyOn(button, 'matches').mockReturnValue(true);
    button.focus();
    page.detectChanges();
    const place = names().indexOf('c');
    for (let at = 1; at <= 20; at += 1) {
      churn(at);
      await tick();
      expect(document.activeElement).toBe(button);
      expect(names().indexOf('c')).toBe(place);
    }
  });

  it('no row moves under the pointer, new ones come at the end at once, and sorting is made up for afterwards', async () => {
    const before = names();
    root().querySelector('tbody')!.dispatchEvent(new Event('pointerenter'));
    site.containers = [container('new', { createdAt: '2027-01-01T00:00:00Z' }), container('d'), container('a')];
    await tick();
    expect(names()).toEqual([...before, 'new']);
    expect(rowOf('b')!.classList.contains('gone')).toBe(true);
    root().querySelector('tbody')!.dispatchEvent(new Event('pointerleave'));
    page.detectChanges();
    expect(names()).toEqual(['new', 'a', 'd']);
  });
});
