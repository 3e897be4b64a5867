import { describe, expect, it } from '@jest/globals';
import { mirrorOf, oneLineSources, stanzaSources } from './mirror.js';

describe('the mirror of a base', () => {
  const stanzas = `# written by an installer
Types: deb
# an older note
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
 non-free
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb deb-src
URIs: http://security.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
Enabled: no
URIs: http://old.example/debian
Suites: bookworm
Components: main
`;

  it('is the first Debian source of the host, and its security archive beside it, from stanzas', () => {
    expect(mirrorOf(undefined, stanzaSources(stanzas))).toEqual({
      main: 'http://mirror.example/debian',
      security: 'http://security.example/debian-security',
    });
  });

  it('is read from one-line sources, with options and remarks', () => {
    const text = `
# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] https://other.example/apt stable-tools main
deb [signed-by=/usr/share/keyrings/d.gpg] https://mirror.example/debian trixie main contrib # nearest
deb http://security.example/debian-security trixie-security main
`;
    expect(mirrorOf(undefined, oneLineSources(text))).toEqual({
      main: 'https://mirror.example/debian',
      security: 'http://security.example/debian-security',
    });
  });

  it('is the configured one before any of the host, with security where custom has it', () => {
    expect(mirrorOf('https://inside.example/debian/', stanzaSources(stanzas))).toEqual({
      main: 'https://inside.example/debian',
      security: 'https://inside.example/debian-security',
    });
    expect(mirrorOf('https://inside.example/mirror', [])).toEqual({ main: 'https://inside.example/mirror' });
  });

  it('is not taken from other distributions, discs or files', () => {
    const sources = oneLineSources(
      'deb http://archive.example/ubuntu noble main\ndeb cdrom:[Debian]/ bookworm main\ndeb file:/srv/debian bookworm main',
    );
    expect(() => mirrorOf(undefined, sources)).toThrow('set `mirror`');
  });
});
