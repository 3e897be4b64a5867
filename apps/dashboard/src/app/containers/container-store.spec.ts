import { TestBed } from '@angular/core/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SiteProblem } from '../site/site-problem.js';
import { container, FakeSite, providersOf } from '../testing.js';
import { ContainerStore, pollEveryMs } from './container-store.js';

let site: FakeSite;
let hidden = false;

function shown(isShown: boolean): void {
  hidden = !isShown;
  document.dispatchEvent(new Event('visibilitychange'));
}

beforeEach(() => {
  vi.useFakeTimers();
  hidden = false;
  vi.spyOn(document, 'hidden', 'get').mockImplementation(() => hidden);
  site = new FakeSite();
  site.containers = [container('shop')];
  TestBed.configureTestingModule({ providers: [...providersOf(site), ContainerStore] });
});

afterEach(() => {
  TestBed.resetTestingModule();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('the containers page asks site', () => {
  it('at once, and then every two seconds', async () => {
    TestBed.inject(ContainerStore);
    expect(site.calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(3 * pollEveryMs + 100);
    expect(site.calls).toHaveLength(4);
  });

  it('never twice at once, however slow site is', async () => {
    site.answer = () => new Promise(() => undefined);
    TestBed.inject(ContainerStore);
    await vi.advanceTimersByTimeAsync(20 * pollEveryMs);
    shown(false);
    shown(true);
    expect(site.calls).toHaveLength(1);
  });

  it('and takes an answer that was long on its way for as old as it may be', async () => {
    const { now } = site.list();
    site.answer = () => new Promise((answer) => setTimeout(() => answer({ ...site.list(), now }), 12_000));
    const store = TestBed.inject(ContainerStore);
    await vi.advanceTimersByTimeAsync(12_000);
    expect(store.containers()).toHaveLength(1);
    expect(store.isStale()).toBe(true);
  });

  it('not in a hidden tab, and at once when the tab is shown again', async () => {
    TestBed.inject(ContainerStore);
    await vi.advanceTimersByTimeAsync(0);
    shown(false);
    await vi.advanceTimersByTimeAsync(20 * pollEveryMs);
    expect(site.calls).toHaveLength(1);
    shown(true);
    expect(site.calls).toHaveLength(2);
  });

  it('no more once the page is left', async () => {
    TestBed.inject(ContainerStore);
    await vi.advanceTimersByTimeAsync(0);
    TestBed.resetTestingModule();
    await vi.advanceTimersByTimeAsync(20 * pollEveryMs);
    expect(site.calls).toHaveLength(1);
  });
});

describe('when site fails', () => {
  it('the last good list stays, and is called stale after two polling periods', async () => {
    const store = TestBed.inject(ContainerStore);
    await vi.advanceTimersByTimeAsync(0);
    site.answer = () => Promise.reject(new SiteProblem('unavailable', 'cannot reach Berth'));
    await vi.advanceTimersByTimeAsync(pollEveryMs + 100);
    expect(store.problem()?.code).toBe('unavailable');
    expect(store.isStale()).toBe(false);
    await vi.advanceTimersByTimeAsync(2 * pollEveryMs);
    expect(store.containers()?.map(({ id }) => id)).toEqual(['shop']);
    expect(store.isStale()).toBe(true);
  });
});

describe('after a click', () => {
  it('the row says what was asked for, never what is hoped for', async () => {
    site.containers = [container('shop', { state: 'stopped' })];
    const store = TestBed.inject(ContainerStore);
    await vi.advanceTimersByTimeAsync(0);
    let take: (told: unknown) => void = () => undefined;
    site.answer = (name) =>
      name === 'containers.start' ? new Promise((settle) => (take = settle)) : Promise.resolve(site.list());
    const asked = store.ask('shop', 'start');
    const row = () => store.containers()![0]!;
    expect([row().state, store.asked(row())]).toEqual(['stopped', 'start']);
    site.containers = [container('shop', { state: 'stopped', asked: 'start' })];
    take(site.containers[0]);
    await asked;
    expect([row().state, store.asked(row())]).toEqual(['stopped', 'start']);
  });

  it('an answer that was on its way before the click does not undo what the click was told', async () => {
    site.containers = [container('shop', { state: 'stopped' })];
    const store = TestBed.inject(ContainerStore);
    await vi.advanceTimersByTimeAsync(0);
    const old = site.list();
    let arrive: (list: unknown) => void = () => undefined;
    site.answer = () => new Promise((settle) => (arrive = settle));
    await vi.advanceTimersByTimeAsync(pollEveryMs);
    const late = arrive;
    site.answer = async (name) =>
      name === 'containers.start' ? container('shop', { state: 'starting' }) : new Promise(() => undefined);
    await store.ask('shop', 'start');
    late(old);
    await vi.advanceTimersByTimeAsync(0);
    expect(store.containers()![0]!.state).toBe('starting');
  });

  it('a refusal stands beside its row', async () => {
    const store = TestBed.inject(ContainerStore);
    await vi.advanceTimersByTimeAsync(0);
    site.answer = (name) =>
      name === 'containers.stop'
        ? Promise.reject(new SiteProblem('conflict', 'cannot stop'))
        : Promise.resolve(site.list());
    expect(await store.ask('shop', 'stop')).toBe(false);
    expect(store.refusal('shop')?.message).toBe('cannot stop');
  });
});
