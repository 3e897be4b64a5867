import { randomUUID } from 'node:crypto';

/** What a browser does for the dashboard, without one: keeps cookies and copies the CSRF cookie into its header. */
export class Visitor {
  private readonly cookies = new Map<string, string>();
  private readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** @throws Error with what was answered, for anything but a success. */
  async ask<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        Cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        'X-XSRF-TOKEN': this.cookies.get('XSRF-TOKEN') ?? '',
        'Idempotency-Key': randomUUID(),
        'Content-Type': 'application/json',
      },
      ...(method === 'POST' ? { body: JSON.stringify(body ?? {}) } : {}),
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (name && value !== undefined) this.cookies.set(name, value);
    }
    const text = await answer.text();
    if (!answer.ok) throw new Error(`cannot ${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  }

  async signUp(email: string, password = 'correct horse battery'): Promise<void> {
    await this.ask('GET', '/api/session');
    await this.ask('POST', '/api/customers', { email, password, name: 'A visitor', locale: 'en' });
    await this.ask('POST', '/api/session', { email, password });
  }
}
