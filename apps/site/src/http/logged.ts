import type { NextFunction, Request, Response } from 'express';
import type { Logger } from 'pino';

/** A line a request: never its body, its cookies, its headers or its query. */
export function logged(log: Logger): (request: Request, response: Response, next: NextFunction) => void {
  return (request, response, next) => {
    const began = performance.now();
    response.once('close', () => {
      const { requestId, method, path } = request;
      const milliseconds = Math.round(performance.now() - began);
      log.debug({ requestId, method, path, status: response.statusCode, milliseconds }, 'request');
    });
    next();
  };
}
