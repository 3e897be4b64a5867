import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { asProblem } from '@berth/problem';
import type { Request } from 'express';
import { catchError, concatMap, from, map, throwError, type Observable } from 'rxjs';
import { rowOf } from '../http/serves.js';
import { Audit } from './audit.js';

/** A row for each unsafe act that passed the gate, written before the answer leaves. */
@Injectable()
export class Audited implements NestInterceptor {
  constructor(private readonly audit: Audit) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const route = rowOf(context.getHandler());
    const request = context.switchToHttp().getRequest<Request>();
    if (!route || route.row.method === 'GET') return next.handle();
    const before = request.visit?.caller?.id; // signing out has nobody left afterwards
    const write = (outcome: string): Promise<void> =>
      this.audit.add({
        actor: before ?? request.visit?.caller?.id ?? 'visitor',
        act: route.name,
        target: request.path,
        outcome,
        requestId: request.requestId,
        address: request.ip ?? '',
      });
    return next.handle().pipe(
      concatMap((value: unknown) => from(write('done')).pipe(map(() => value))),
      catchError((error: unknown) => from(write(asProblem(error).code)).pipe(concatMap(() => throwError(() => error)))),
    );
  }
}
