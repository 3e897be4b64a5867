import type { ConHandlers } from '@berth/con-protocol';
import type { Templates } from '../../templates/templates.js';

type TemplateMethods = Extract<keyof ConHandlers, `templates.${string}`>;

export function templateHandlers(templates: Templates): Pick<ConHandlers, TemplateMethods> {
  return {
    'templates.build': async (order) => templates.build(order),
    'templates.cancel': async (key) => {
      await templates.cancel(key);
      return {};
    },
    'templates.list': async () => ({ templates: templates.list() }),
    'templates.get': async (key) => templates.get(key),
    'templates.tree': async () => ({ snapshots: templates.tree() }),
    'templates.log': async (place) => templates.log(place),
    'templates.prune': async (order) => templates.prune(order),
    'templates.remove': async (key) => {
      await templates.remove(key);
      return {};
    },
  };
}
