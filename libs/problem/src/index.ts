export { Problem, asProblem, isProblemCode, problemCodes, type ProblemCode } from './problem.js';
