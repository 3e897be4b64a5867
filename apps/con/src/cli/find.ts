import type { ConClient, Container } from '@berth/con-protocol';
import { Problem } from '@berth/problem';

/** The container that a person means: by id, or else by a name that only one has. @throws Problem */
export async function find(con: ConClient, word: string): Promise<Container> {
  const { containers = [] } = await con['containers.list']({});
  const byId = containers.find(({ id }) => id === word);
  if (byId) return byId;
  const [named, ...others] = containers.filter(({ name }) => name === word);
  if (!named)
    throw new Problem('not_found', `cannot find a container called ${JSON.stringify(word)}; con list shows them`);
  if (others.length === 0) return named;
  const ids = [named, ...others].map(({ id, state }) => `${id} (${state})`).join(', ');
  throw new Problem('conflict', `cannot tell which ${JSON.stringify(word)} is meant: say one of the ids ${ids}`);
}
