export {
  bounds,
  ConfileFault,
  faultAt,
  type Confile,
  type ConfileProblem,
  type From,
  type Healthcheck,
  type Instruction,
} from './confile.js';
export { parseConfile } from './parse.js';
export { bareSurroundings, resolve, type Act, type Owner, type Surroundings } from './resolve.js';
