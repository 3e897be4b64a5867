import { createHash, X509Certificate, type KeyObject } from 'node:crypto';
import { Agent, type ClientRequestArgs } from 'node:http';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';

/** `sha256//` and the base64 digest of a public key (SPKI, RFC 5280): what `curl --pinnedpubkey` takes. */
export function pinOf(key: KeyObject): string {
  return `sha256//${createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64')}`;
}

export function pinOfCertificate(certificate: string): string {
  return pinOf(new X509Certificate(certificate).publicKey);
}

export function isPin(text: string): boolean {
  return /^sha256\/\/[A-Za-z0-9+/]{43}=$/.test(text);
}

/**
 * TLS 1.3 to the holder of one key and to nobody else. Names, dates and authorities do not count: who holds the pinned
 * key is con. Nothing is sent, the token least of all, before the key has been seen.
 */
export class PinnedAgent extends Agent {
  // http.request() compares these with the URL.
  readonly protocol = 'https:';
  readonly defaultPort = 443;

  constructor(
    private readonly pin: string,
    private readonly bounds: { connectMs: number; keepAlive: boolean },
  ) {
    super({ keepAlive: bounds.keepAlive, maxSockets: 16 });
  }

  override createConnection(
    { host, port }: ClientRequestArgs,
    done?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const { connectMs } = this.bounds;
    const socket = connect({
      host: host ?? 'localhost',
      port: Number(port),
      minVersion: 'TLSv1.3',
      rejectUnauthorized: false, // the pin decides
      timeout: connectMs,
    });
    const fail = (error: Error): void => {
      socket.destroy();
      done?.(error, socket);
    };
    const late = (): void => fail(new Error(`no connection within ${connectMs} ms`));
    socket.once('error', fail).once('timeout', late);
    socket.once('secureConnect', () => {
      socket.off('error', fail).off('timeout', late).setTimeout(0);
      const seen = socket.getPeerX509Certificate();
      if (seen && pinOf(seen.publicKey) === this.pin) return done?.(null, socket);
      fail(new Error('another key than the pinned one answers there'));
    });
    return undefined;
  }
}
