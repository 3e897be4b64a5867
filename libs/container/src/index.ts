export { can, type Action, type Verdict } from './can.js';
export { defaultLimits, limitBounds, mustBeLimits, type Limits, type WantedLimits } from './limits.js';
export { mustBeId, mustBeName, nameFault } from './name.js';
export { isInTransit, isOn, states, type State } from './state.js';
