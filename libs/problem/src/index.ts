export { isProblemKind, problemKinds, type Blanks, type ProblemKind } from './kind.js';
export { Problem, asProblem, isProblemCode, problemCodes, type ProblemCode } from './problem.js';
