import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeAnswer, decodeCall, encodeCall, Malformed, type Value } from './index.js';

const answer = (inside: string): Value => {
  const read = decodeAnswer(Buffer.from(`<methodResponse><params><param>${inside}</param></params></methodResponse>`));
  if (read.kind === 'fault') throw new Error('a result came back as a fault');
  return read.value;
};
const value = (inside: string): Value => answer(`<value>${inside}</value>`);
const call = (xml: string | Uint8Array): unknown => decodeCall(Buffer.from(xml));
const param = '<params><param><value>x</value></param></params>';
const nested = (depth: number): string =>
  `<value>${'<array><data><value>'.repeat(depth)}${'</value></data></array>'.repeat(depth)}</value>`;

describe('decode', () => {
  it.each<[string, Value]>([
    ['plain text', 'plain text'],
    ['', ''],
    ['<string> a </string>', ' a '],
    ['<string/>', ''],
    ['<string>a &lt;b&gt; &amp; &#13;&#x41;</string>', 'a <b> & \rA'],
    ['<string><![CDATA[<a>]]></string>', '<a>'],
    ['<int>-2147483648</int>', -2147483648],
    ['<i4>+7</i4>', 7],
    ['<int>1<!-- two -->2</int>', 12],
    ['<boolean>1</boolean>', true],
    ['<double>-1.5e3</double>', -1500],
    ['<dateTime.iso8601>20260102T03:04:05</dateTime.iso8601>', new Date('2026-01-02T03:04:05Z')],
    ['<dateTime.iso8601>2026-01-02T03:04:05Z</dateTime.iso8601>', new Date('2026-01-02T03:04:05Z')],
    ['<base64>\n aGk=\n</base64>', new Uint8Array([104, 105])],
    ['<array><data/></array>', []],
    ['<struct/>', {}],
    [' <array> <data> <value>a</value> </data> </array> ', ['a']],
  ])('reads %s', (xml, expected) => {
    expect(value(xml)).toEqual(expected);
  });

  it('keeps members with the names of internals as plain data', () => {
    const member = (name: string): string => `<member><name>${name}</name><value><int>1</int></value></member>`;
    const struct = value(`<struct>${member('__proto__')}${member('constructor')}</struct>`);
    expect(Object.getPrototypeOf(struct)).toBeNull();
    expect(Object.entries(struct)).toEqual([
      ['__proto__', 1],
      ['constructor', 1],
    ]);
  });

  it('reads a call without params', () => {
    expect(call('<methodCall><methodName>host.info</methodName></methodCall>')).toEqual({
      method: 'host.info',
      params: [],
    });
  });

  it.each([
    '<int>12abc</int>',
    '<int></int>',
    '<int> 1</int>',
    '<int>1.0</int>',
    '<int>2147483648</int>',
    '<int>0x10</int>',
    '<i8>1</i8>',
    '<nil/>',
    '<boolean>true</boolean>',
    '<double>NaN</double>',
    '<double>1e999</double>',
    '<double></double>',
    '<dateTime.iso8601>20260230T00:00:00</dateTime.iso8601>',
    '<dateTime.iso8601>yesterday</dateTime.iso8601>',
    '<base64>a</base64>',
    '<base64>a*==</base64>',
    '<text>a</text>',
    '<string><int>1</int></string>',
    'a<string>b</string>',
    '<string>b</string>a',
    '<int>1</int><int>2</int>',
    '<array></array>',
    '<array><value>1</value></array>',
    '<array><data/><data/></array>',
    '<struct><member><name>a</name></member></struct>',
    '<struct><member><value>a</value></member></struct>',
    '<struct><member><value>a</value><name>a</name></member></struct>',
    '<struct><member/></struct>',
    '<struct><member><name>a</name><value/></member><member><name>a</name><value/></member></struct>',
    '<string>&bomb;</string>',
    '<string>&#0;</string>',
    '<string>&#xD800;</string>',
    '<string>\u0001</string>',
    '<string a="b"/>',
    '<string>]]></string>',
    '<params/>',
    nested(65),
  ])('refuses the value %s', (xml) => {
    expect(() => value(xml)).toThrow(Malformed);
  });

  it.each([
    ['nothing', ''],
    ['no XML', 'hello'],
    ['JSON', '{"method":"host.info"}'],
    ['a DTD', `<!DOCTYPE a [<!ENTITY b "c">]><methodCall><methodName>a</methodName>${param}</methodCall>`],
    ['a processing instruction', `<methodCall><?a b?><methodName>a</methodName>${param}</methodCall>`],
    ['a stylesheet', `<?xml-stylesheet href="a"?><methodCall><methodName>a</methodName></methodCall>`],
    ['XML 1.1', '<?xml version="1.1"?><methodCall><methodName>a</methodName></methodCall>'],
    ['another encoding', '<?xml version="1.0" encoding="latin1"?><methodCall><methodName>a</methodName></methodCall>'],
    ['a call cut short', `<methodCall><methodName>a</methodName><params><param>`],
    ['a wrong nesting', '<methodCall><methodName>a</params></methodCall>'],
    ['a second root', '<methodCall><methodName>a</methodName></methodCall><methodCall/>'],
    ['trailing text', '<methodCall><methodName>a</methodName></methodCall>x'],
    ['no method', `<methodCall>${param}</methodCall>`],
    ['an empty method', `<methodCall><methodName/>${param}</methodCall>`],
    ['a method with a newline', `<methodCall><methodName>a\nb</methodName></methodCall>`],
    ['a method that is too long', `<methodCall><methodName>${'a'.repeat(256)}</methodName></methodCall>`],
    ['two methods', `<methodCall><methodName>a</methodName><methodName>b</methodName></methodCall>`],
    ['params before the method', `<methodCall>${param}<methodName>a</methodName></methodCall>`],
    ['params twice', `<methodCall><methodName>a</methodName>${param}${param}</methodCall>`],
    ['a param without a value', `<methodCall><methodName>a</methodName><params><param/></params></methodCall>`],
    ['text beside elements', `<methodCall>x<methodName>a</methodName></methodCall>`],
    ['an answer', `<methodResponse>${param}</methodResponse>`],
  ])('refuses as a call %s', (_, xml) => {
    expect(() => call(xml)).toThrow(Malformed);
  });

  it.each([
    ['a call', `<methodCall><methodName>a</methodName></methodCall>`],
    ['no param', `<methodResponse><params/></methodResponse>`],
    [
      'two params',
      `<methodResponse>${param.replace('</params>', '')}<param><value/></param></params></methodResponse>`,
    ],
    ['params and a fault', `<methodResponse>${param}<fault><value/></fault></methodResponse>`],
    ['a fault that is no struct', `<methodResponse><fault><value/></fault></methodResponse>`],
    ['neither', `<methodResponse/>`],
  ])('refuses as an answer %s', (_, xml) => {
    expect(() => decodeAnswer(Buffer.from(xml))).toThrow(Malformed);
  });

  it('refuses bytes that are not UTF-8', () => {
    expect(() => call(Buffer.from('<methodCall><methodName>\xe4</methodName></methodCall>', 'latin1'))).toThrow(
      Malformed,
    );
  });

  it('stops at its bounds: bytes, depth, values', () => {
    const message = Buffer.from(encodeCall('a', [[1, 2, [3]]]));
    expect(() => decodeCall(message, { bytes: message.length - 1 })).toThrow(Malformed);
    expect(() => decodeCall(message, { depth: 1 })).toThrow(Malformed);
    expect(() => decodeCall(message, { values: 4 })).toThrow(Malformed);
    expect(decodeCall(message, { bytes: message.length, depth: 2, values: 5 })).toEqual({
      method: 'a',
      params: [[1, 2, [3]]],
    });
    expect(answer(nested(64))).toHaveLength(1);
  });

  it('stops at the depth, not at the end, of ten thousand nested arrays', () => {
    expect(() => call(`<methodCall><methodName>a</methodName><params><param>${nested(10_000)}`)).toThrow(
      /deeper than 64/,
    );
  });

  it('answers anything at all with a value or Malformed, never with another error', () => {
    const whole = encodeCall('a.b', [{ a: [1, 'x', true], b: new Uint8Array([1]) }]);
    const damage = fc.record({ at: fc.nat(whole.length), drop: fc.nat(5), add: fc.string({ maxLength: 5 }) });
    fc.assert(
      fc.property(damage, ({ at, drop, add }) => {
        try {
          call(whole.slice(0, at) + add + whole.slice(at + drop));
        } catch (error) {
          expect(error).toBeInstanceOf(Malformed);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('says what was wrong in plain ASCII, short enough for a log', () => {
    const wrong = (): unknown => value(`<int>\u202e${'9'.repeat(10_000)}</int>`);
    expect(wrong).toThrow(/^cannot read XML-RPC: "\\u202e9{39}\.\.\." is not a whole number of 32 bits$/);
  });
});
