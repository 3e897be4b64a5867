import { registerHooks } from 'node:module';

/** Lets a child process of a test run our TypeScript as it lies there: `node --import` this file. */
registerHooks({
  resolve(specifier, context, next) {
    const library = /^@berth\/([a-z0-9-]+)$/.exec(specifier);
    if (library) return next(new URL(`../../../libs/${library[1]}/src/index.ts`, import.meta.url).href, context);
    const isOurs = specifier.startsWith('.') && !context.parentURL?.includes('/node_modules/');
    return next(isOurs ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});
