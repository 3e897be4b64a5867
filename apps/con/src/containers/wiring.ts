import { Faces, type FacesNeeds } from './faces.js';
import { Forwards, type ForwardsNeeds } from './forwards.js';
import { Grants, type GrantsNeeds } from './grants.js';

/** What of the network and the Internet leads to containers, and what they may reach beyond what all may. */
export class Wiring {
  readonly forwards: Forwards;
  readonly grants: Grants;
  readonly faces: Faces;

  constructor(needs: FacesNeeds & ForwardsNeeds & GrantsNeeds) {
    this.forwards = new Forwards(needs);
    this.grants = new Grants(needs);
    this.faces = new Faces(needs);
  }
}
