export { de } from './de.js';
export { en, type Catalogue } from './en.js';
