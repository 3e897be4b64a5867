import { problemCodes } from '@berth/problem';
import { z } from 'zod';

/** Every refusal of site: RFC 9457 `application/problem+json` with two members of ours. */
export const ProblemBody = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  code: z.enum(problemCodes),
  requestId: z.string(),
  /** What a form can point at: field name → reason. */
  fields: z.record(z.string(), z.string()).optional(),
});

export type ProblemBody = z.output<typeof ProblemBody>;
