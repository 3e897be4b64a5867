import type { Provider } from '@angular/core';
import { provideRouter } from '@angular/router';
import type { Container, RouteName } from '@berth/site-api';
import { provideWords } from './app.config.js';
import { SiteClient } from './site/site-client.js';

/** A container of a test; only what the test is about is named. */
export function container(id: string, changes: Partial<Container> = {}): Container {
  return {
    id,
    name: id,
    app: { name: 'nginx', version: '1', title: 'Static page' },
    size: 'small',
    memoryBytes: 512n,
    state: 'running',
    since: '2026-01-01T00:00:00Z',
    loginWaiting: false,
    createdAt: '2026-01-01T00:00:00Z',
    costTodayNanos: 0n,
    hourNanos: 1n,
    host: 'a',
    ...changes,
  };
}

/** A site of a test: what is called is noted, and the test decides the answer. */
export class FakeSite {
  readonly calls: RouteName[] = [];
  containers: readonly Container[] = [];
  answer: (name: RouteName) => Promise<unknown> = async () => this.list();

  list() {
    return { containers: this.containers, mayStart: true, now: new Date().toISOString(), currency: 'EUR' };
  }

  call(name: RouteName): Promise<unknown> {
    this.calls.push(name);
    return this.answer(name);
  }
}

export function providersOf(site: FakeSite): (Provider | ReturnType<typeof provideRouter>)[] {
  return [{ provide: SiteClient, useValue: site }, provideRouter([]), ...provideWords()];
}
