import type { DiskUse } from '@berth/con-protocol';
import { Problem } from '@berth/problem';
import type { Host } from '../host/host.js';
import type { TemplateSource } from '../templates/ready.js';
import type { Desk } from './desk.js';

type Needs = Readonly<{ host: Pick<Host, 'layers'>; templates: Pick<TemplateSource, 'sizeOf'> }> & Pick<Desk, 'must'>;

/** What containers take of the disk. */
export class Disks {
  constructor(private readonly needs: Needs) {}

  /** As it is now; absent while its volume is being made or removed. */
  async of(id: string): Promise<DiskUse | undefined> {
    const { slot, snapshot, state } = this.needs.must(id);
    if (state === 'creating' || state === 'destroying') return undefined;
    try {
      const { ownBytes, momentsBytes } = await this.needs.host.layers.volumeBytes(slot);
      const withTemplateBytes = ownBytes + this.needs.templates.sizeOf(snapshot);
      return { ownBytes, withTemplateBytes, snapshotsBytes: momentsBytes };
    } catch (error) {
      if (error instanceof Problem && error.code === 'not_found') return undefined; // it went meanwhile
      throw error;
    }
  }
}
