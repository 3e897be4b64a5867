/** What a browser does for a page: keeps cookies, and copies the CSRF cookie into the header of each unsafe request. */
export class Browser {
  readonly cookies = new Map<string, string>();

  constructor(readonly url: string) {}

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.send('GET', path, undefined, headers);
  }

  post(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<Response> {
    return this.send('POST', path, body, headers);
  }

  put(path: string, body: unknown): Promise<Response> {
    return this.send('PUT', path, body);
  }

  delete(path: string): Promise<Response> {
    return this.send('DELETE', path, {});
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    const csrf = this.cookies.get('XSRF-TOKEN');
    const response = await fetch(this.url + path, {
      method,
      redirect: 'manual',
      headers: {
        ...(this.cookies.size > 0
          ? { Cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') }
          : {}),
        ...(method === 'GET' || csrf === undefined ? {} : { 'X-XSRF-TOKEN': csrf }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (name !== undefined && value !== undefined) this.cookies.set(name, value);
    }
    return response;
  }

  /** A browser whose person has signed up and in. */
  static async of(url: string, email: string, password = 'correct horse battery'): Promise<Browser> {
    const browser = new Browser(url);
    await browser.get('/api/session');
    await browser.post('/api/customers', { email, password, name: 'A person', locale: 'en' });
    const signedIn = await browser.post('/api/session', { email, password });
    if (signedIn.status !== 200) throw new Error(`cannot sign in: ${await signedIn.text()}`);
    return browser;
  }
}
