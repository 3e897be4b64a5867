import type { ConClient } from '@berth/con-protocol';
import type { Terminal } from './terminal.js';

type Place = Readonly<{ name: string; version: string; line: number }>;

/** Prints what a line of a Confile has printed so far, piece by piece. */
export async function printLog(con: ConClient, terminal: Terminal, place: Place, from = 0n): Promise<void> {
  for (let offset = from; ;) {
    const piece = await con['templates.log']({ ...place, offset });
    if (terminal.json) terminal.result(piece);
    else terminal.text(piece.text);
    if (piece.done || piece.next <= offset) return;
    offset = piece.next;
  }
}
