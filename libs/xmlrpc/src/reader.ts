import { ruleOf, type Rule } from './grammar.js';
import { shown } from './scalars.js';
import { Malformed, type Bounds, type Value } from './values.js';

type Members = Record<string, Value>;

/** An element that has been opened and not yet closed. */
type Open = {
  rule: Rule;
  /** How many elements it has held so far. */
  children: number;
  /** What it amounts to, once known. */
  value: Value | undefined;
  items: Value[] | undefined;
  members: Members | undefined;
  /** Of a member. */
  name: string | undefined;
};

/** The state machine behind `decode`: elements and text in, one message out. */
export class Reader {
  root: string | undefined;
  method: string | undefined;
  params: Value[] | undefined;
  fault: Value | undefined;

  private readonly path: Open[] = [];
  private text = '';
  private depth = 0;
  private values = 0;

  constructor(private readonly bounds: Bounds) {}

  add(text: string): void {
    this.text += text;
  }

  open(name: string): void {
    const rule = ruleOf(name);
    const parent = this.path[this.path.length - 1];
    if (parent) this.enter(parent, name);
    else this.root = name;
    const element: Open = {
      rule,
      children: 0,
      value: undefined,
      items: undefined,
      members: undefined,
      name: undefined,
    };
    if (name === 'value') this.count();
    else if (name === 'params' || name === 'data') element.items = [];
    // Without a prototype, so that `__proto__` is a member like any other.
    else if (name === 'struct') element.members = Object.create(null) as Members;
    if (name === 'array' || name === 'struct') this.deepen();
    this.path.push(element);
  }

  close(): void {
    const element = this.path.pop();
    if (!element) return; // saxes reports the unmatched tag itself
    const value = this.valueOf(element);
    const parent = this.path[this.path.length - 1];
    if (parent) this.give(parent, element, value);
  }

  private enter(parent: Open, name: string): void {
    this.mustBeBlank(parent);
    const { rule } = parent;
    if (!rule.holds.has(name)) throw new Malformed(`<${rule.name}> cannot hold <${name}>`);
    if (rule.exactly) {
      if (rule.exactly[parent.children] !== name)
        throw new Malformed(`<${rule.name}> holds ${rule.exactly.join(', then ')}`);
    } else if (parent.children > 0 && rule.name === 'value') {
      throw new Malformed('<value> holds one type');
    }
    parent.children += 1;
  }

  private valueOf(element: Open): Value | undefined {
    const { rule } = element;
    if (rule.read) return rule.read(this.taken());
    if (rule.name === 'value' && element.children === 0) return this.taken(); // no type means string
    this.mustBeBlank(element);
    if (rule.exactly && element.children < rule.exactly.length) {
      throw new Malformed(`<${rule.name}> holds ${rule.exactly.join(', then ')}`);
    }
    if (rule.name === 'array' || rule.name === 'struct') this.depth -= 1;
    return element.items ?? element.members ?? element.value;
  }

  /** What a closed element amounts to, handed to the one around it. */
  private give(parent: Open, { rule: { name } }: Open, value: Value | undefined): void {
    if (parent.items) parent.items.push(mustBe(value, name));
    else if (name === 'name') parent.name = String(value);
    else if (name === 'methodName') this.once('method', String(value));
    else if (name === 'params') this.once('params', value as Value[]);
    else if (name === 'fault') this.once('fault', mustBe(value, name));
    else if (name === 'member') {
      /* given to the struct by its value, below */
    } else if (parent.rule.name === 'member') this.member(parent, mustBe(value, name));
    else parent.value = value;
  }

  private member(member: Open, value: Value): void {
    const members = this.path[this.path.length - 2]?.members;
    const { name } = member;
    if (!members || name === undefined) throw new Malformed('<member> holds name, then value');
    if (name in members) throw new Malformed(`the member ${shown(name)} stands there twice`);
    members[name] = value;
  }

  /** A message has one of each; a methodName comes before its params, and a fault stands alone. */
  private once<K extends 'method' | 'params' | 'fault'>(what: K, value: NonNullable<Reader[K]>): void {
    if (this[what] !== undefined || this.params !== undefined || this.fault !== undefined) {
      throw new Malformed(`<${this.root}> holds too much, or in the wrong order`);
    }
    Object.assign(this, { [what]: value });
  }

  private count(): void {
    this.values += 1;
    if (this.values > this.bounds.values) throw new Malformed(`it holds more than ${this.bounds.values} values`);
  }

  private deepen(): void {
    this.depth += 1;
    if (this.depth > this.bounds.depth) throw new Malformed(`it is nested deeper than ${this.bounds.depth}`);
  }

  private mustBeBlank(element: Open): void {
    if (this.text !== '' && /[^ \t\r\n]/.test(this.taken())) {
      throw new Malformed(`<${element.rule.name}> holds text beside elements`);
    }
    this.text = '';
  }

  private taken(): string {
    const { text } = this;
    this.text = '';
    return text;
  }
}

function mustBe(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new Malformed(`<${name}> is empty`);
  return value;
}
