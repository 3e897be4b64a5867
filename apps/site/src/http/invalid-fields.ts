import { Problem, type Blanks, type ProblemCode, type ProblemKind } from '@berth/problem';

/** A refusal that a form can point at: field → reason. */
export class InvalidFields extends Problem {
  constructor(
    message: string,
    readonly fields: Readonly<Record<string, string>>,
    code: ProblemCode = 'invalid',
    options: { kind?: ProblemKind; blanks?: Blanks } = {},
  ) {
    super(code, message, options);
  }
}
