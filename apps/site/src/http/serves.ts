import { applyDecorators, HttpCode, RequestMapping, RequestMethod, SetMetadata } from '@nestjs/common';
import { routes, type Route, type RouteName } from '@berth/site-api';

const key = 'berth:route';

/** Puts a controller's method behind its row of the route table: method and path, who may, body and reply. */
export function Serves(name: RouteName): MethodDecorator {
  const { method, path } = routes[name];
  return applyDecorators(
    RequestMapping({ method: RequestMethod[method], path }),
    HttpCode(200),
    SetMetadata(key, name),
  );
}

/** The row behind a handler; a handler without one is nobody's. */
export function rowOf(handler: object): { name: RouteName; row: Route } | undefined {
  const name = Reflect.getMetadata(key, handler) as RouteName | undefined;
  return name && { name, row: routes[name] };
}
