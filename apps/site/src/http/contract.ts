import {
  Injectable,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Problem } from '@berth/problem';
import type { Request } from 'express';
import { map, type Observable } from 'rxjs';
import { z } from 'zod';
import { InvalidFields } from './invalid-fields.js';
import { rowOf } from './serves.js';

/** Bodies as the route table describes them. A guard and not a pipe: sign-in's passport reads the body before any pipe runs. */
@Injectable()
export class WellFormed implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const row = rowOf(context.getHandler())?.row;
    const request = context.switchToHttp().getRequest<Request>();
    for (const value of Object.values(request.params)) {
      if (typeof value !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value))
        throw new Problem('not_found', 'cannot find this: no id of ours looks like that');
    }
    request.body = row?.body ? decoded(row.body, request.body) : undefined;
    return true;
  }
}

function decoded(schema: z.ZodObject, body: unknown): unknown {
  const read = schema.safeParse(body ?? {});
  if (read.success) return read.data;
  const faults = read.error.issues.map(({ path, message }) => [path.map(String).join('.') || 'body', message] as const);
  throw new InvalidFields(
    `cannot read the request: ${faults.map(([at]) => at).join(', ')}`,
    Object.fromEntries(faults),
  );
}

/** Replies as the table describes them, bigints as decimal strings; what the row does not name never leaves. */
@Injectable()
export class Encoded implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const reply = rowOf(context.getHandler())?.row.reply;
    return next
      .handle()
      .pipe(map((value: unknown) => (reply === undefined || value === undefined ? value : z.encode(reply, value))));
  }
}
