/**
 * Which way arrows point: each list runs from left to right, and a room may use what stands further right, never what
 * stands further left. `eslint.config.mjs` makes rules of it; `tools/architecture.spec.ts` plants a violation of each.
 */

/** What each library may import of its neighbours. */
export const libs = {
  problem: [],
  money: ['problem'],
  container: ['problem'],
  confile: ['problem'],
  xmlrpc: [],
  'con-protocol': ['problem', 'container', 'xmlrpc'],
  'site-api': ['problem', 'container', 'money'],
  i18n: [],
};

/** What each app may import of the libraries. */
export const apps = {
  con: ['problem', 'container', 'confile', 'xmlrpc', 'con-protocol'],
  site: ['problem', 'money', 'container', 'con-protocol', 'site-api', 'i18n'],
  dashboard: ['problem', 'money', 'container', 'site-api', 'i18n'],
};

/** Libraries that browsers load: no Node there. */
export const browserSafe = ['problem', 'money', 'container', 'site-api', 'i18n'];

/** Rooms that stand side by side know nothing of each other. */
export const rooms = {
  con: [
    ['rpc'],
    ['console', 'streams', 'metering', 'health'],
    ['containers'],
    ['templates'],
    ['storage', 'network'],
    ['host/linux', 'host/fake'],
    ['host'],
  ],
  site: [
    ['jobs'],
    ['invoices'],
    ['payments'],
    ['metering'],
    ['containers'],
    ['catalogue'],
    ['pricing'],
    ['customers'],
    ['ledger'],
    ['audit', 'mail'],
    ['db'],
  ],
  dashboard: [['admin', 'billing', 'containers', 'console', 'account'], ['templates'], ['session'], ['ui'], ['site']],
};
