import { createPrivateKey, X509Certificate } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { pinOfCertificate } from '@berth/con-protocol';
import { Problem } from '@berth/problem';

/** What con proves to be itself with: a key, and a certificate that nobody else has signed. Callers pin the key. */
export type Identity = Readonly<{ key: string; cert: string; pin: string }>;

/** Reads key and certificate; makes them where there are none. @throws Problem when others may read them, or they are none. */
export async function readIdentity(path: string): Promise<Identity> {
  if (!existsSync(path)) keep(path, await make());
  if ((statSync(path).mode & 0o077) !== 0)
    throw new Problem('forbidden', `cannot use the key in ${path}: others may read it; run chmod 600`);
  const text = readFileSync(path, 'utf8');
  const [key = '', cert = ''] = text.match(/-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g) ?? [];
  try {
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) throw new Error('they belong to others');
    return { key, cert, pin: pinOfCertificate(cert) };
  } catch (cause) {
    const cure = 'remove the file to get new ones, and give the new pin to every caller';
    throw new Problem('invalid', `cannot use the key and certificate in ${path}: ${cure}`, { cause });
  }
}

/** Loaded only when it is needed: once in the life of a host. */
async function make(): Promise<string> {
  await import('reflect-metadata'); // which the next one asks for
  const { X509CertificateGenerator } = await import('@peculiar/x509');
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=con',
      notBefore: new Date(0),
      notAfter: new Date('9999-12-31T23:59:59Z'), // none is known, RFC 5280 §4.1.2.5
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
      keys,
    },
    crypto,
  );
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const lines = key.match(/.{1,64}/g)?.join('\n') ?? '';
  return `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n${certificate.toString('pem')}\n`;
}

/** Whole or not at all: a key that changes is a con that nobody knows any more. */
function keep(path: string, text: string): void {
  const draft = `${path}.new`;
  const file = openSync(draft, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}
