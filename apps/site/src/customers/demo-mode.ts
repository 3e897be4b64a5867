/** Whether some host pretends. Whoever watches the hosts provides this; every page shows it. */
export abstract class DemoMode {
  abstract isOn(): boolean;
}
