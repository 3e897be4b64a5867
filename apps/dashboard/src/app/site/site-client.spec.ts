import { HttpErrorResponse, HttpHeaders, provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { SiteClient } from './site-client.js';
import { problemOf } from './site-problem.js';

const stale = {
  type: 'urn:berth:problem:stale-csrf-token',
  title: 'Forbidden',
  status: 403,
  code: 'forbidden',
  requestId: 'r1',
};
const session = { currency: 'EUR', demo: false, now: '2026-01-01T00:00:00Z' };

describe('a failure', () => {
  it('that site explains keeps its reason, its fields and the request id', () => {
    const error = {
      type: 'about:blank',
      title: 'Invalid',
      status: 422,
      detail: 'cannot name it',
      code: 'invalid',
      requestId: 'r7',
      fields: { name: 'taken' },
    };
    const problem = problemOf(new HttpErrorResponse({ status: 422, error }));
    expect([problem.code, problem.message, problem.requestId, problem.fields]).toEqual([
      'invalid',
      'cannot name it',
      'r7',
      { name: 'taken' },
    ]);
  });

  it('without an answer says that Berth cannot be reached', () => {
    expect(problemOf(new HttpErrorResponse({ status: 0 })).code).toBe('unavailable');
  });

  it('of a proxy keeps the request id of its header', () => {
    const headers = new HttpHeaders({ 'X-Request-Id': 'r9' });
    const problem = problemOf(new HttpErrorResponse({ status: 502, error: '<html>', headers }));
    expect([problem.code, problem.requestId]).toEqual(['unavailable', 'r9']);
  });

  it('of our own making is internal, and its text is not shown', () => {
    const problem = problemOf(new TypeError('x is undefined'));
    expect([problem.code, problem.message.includes('undefined')]).toEqual(['internal', false]);
  });
});

describe('a call to site', () => {
  let http: HttpTestingController;
  beforeEach(() => {
    TestBed.configureTestingModule({ providers: [provideHttpClient(), provideHttpClientTesting()] });
    http = TestBed.inject(HttpTestingController);
  });

  const settled = () => new Promise((done) => setTimeout(done));

  it('renews a stale CSRF token once, and then gives up', async () => {
    const call = TestBed.inject(SiteClient).call('session.destroy');
    const failed = expect(call).rejects.toMatchObject({ code: 'forbidden', requestId: 'r1' });
    http.expectOne({ method: 'DELETE', url: '/api/session' }).flush(stale, { status: 403, statusText: 'Forbidden' });
    await settled();
    http.expectOne({ method: 'GET', url: '/api/session' }).flush(session);
    await settled();
    http.expectOne({ method: 'DELETE', url: '/api/session' }).flush(stale, { status: 403, statusText: 'Forbidden' });
    await failed;
    http.verify();
  });

  it('gives up what is read and never answered, so that the next poll can ask again', async () => {
    vi.useFakeTimers();
    try {
      const call = TestBed.inject(SiteClient).call('containers.list');
      const failed = expect(call).rejects.toMatchObject({ code: 'unavailable', kind: 'offline' });
      http.expectOne('/api/containers');
      await vi.advanceTimersByTimeAsync(10_001);
      await failed;
    } finally {
      vi.useRealTimers();
    }
  });

  it('refuses what site would refuse, field by field, and sends nothing', async () => {
    const body = { email: 'ada@example', password: 'correct horse battery', name: 'Ada', locale: 'de' as const };
    const call = TestBed.inject(SiteClient).call('customers.create', { body });
    await expect(call).rejects.toMatchObject({
      code: 'invalid',
      kind: 'unreadable',
      fields: { email: expect.any(String) },
    });
    http.verify();
  });

  it('sends amounts as decimal strings and the key of its form', async () => {
    const body = { nanos: 12_500_000_000n, reference: 'bank 1' };
    void TestBed.inject(SiteClient).call('admin.topUp', { params: { id: 'a/b' }, body, idempotencyKey: 'k' });
    const request = http.expectOne('/api/admin/customers/a%2Fb/top-ups').request;
    expect(request.body).toEqual({ nanos: '12500000000', reference: 'bank 1' });
    expect(request.headers.get('Idempotency-Key')).toBe('k');
  });
});
