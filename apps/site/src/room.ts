import type { Provider, Type } from '@nestjs/common';

/** What a room brings into the house: its controllers, and what may be injected. */
export type Room = Readonly<{ controllers: readonly Type[]; providers: readonly Provider[] }>;
