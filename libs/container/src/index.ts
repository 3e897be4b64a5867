export { can, type Action, type Verdict } from './can.js';
export { defaultLimits, limitBounds, mustBeLimits, usualDiskBytes, type Limits } from './limits.js';
export { mustBeId, mustBeName, nameFault } from './name.js';
export { isInTransit, isOn, states, type State } from './state.js';
