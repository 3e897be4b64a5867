import { Problem, type ProblemCode } from '@berth/problem';

/** A refusal that a form can point at: field → reason. */
export class InvalidFields extends Problem {
  constructor(
    message: string,
    readonly fields: Readonly<Record<string, string>>,
    code: ProblemCode = 'invalid',
  ) {
    super(code, message);
  }
}
