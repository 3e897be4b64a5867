import { problemCodes } from '@berth/problem';
import { z } from 'zod';

/** Before the kind, in a problem's `type`. */
export const problemType = 'urn:berth:problem:';

/** Every refusal of site: RFC 9457 `application/problem+json` with members of ours. */
export const ProblemBody = z.object({
  /** `urn:berth:problem:` and the kind, or `about:blank`. */
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  code: z.enum(problemCodes),
  requestId: z.string(),
  /** What the kind's sentence names, by blank. */
  blanks: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  /** What a form can point at: field name → reason. */
  fields: z.record(z.string(), z.string()).optional(),
});

export type ProblemBody = z.output<typeof ProblemBody>;
