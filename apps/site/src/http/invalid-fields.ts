import { Problem } from '@berth/problem';

/** An `invalid` that a form can point at: field → reason. */
export class InvalidFields extends Problem {
  constructor(
    message: string,
    readonly fields: Readonly<Record<string, string>>,
  ) {
    super('invalid', message);
  }
}
