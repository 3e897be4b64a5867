import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decodeAnswer, decodeCall, encodeCall, encodeFault, encodeResult, Unsendable, type Value } from './index.js';

const there = (value: Value): Value => {
  const answer = decodeAnswer(Buffer.from(encodeResult(value)), { bytes: 16_000_000 });
  if (answer.kind === 'fault') throw new Error('a result came back as a fault');
  return answer.value;
};

/** Text that XML 1.0 can hold. */
const text = fc.string({ unit: 'binary' }).filter((one) => !/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(one));
const double = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((one) => !Number.isInteger(one));
const date = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
const seconds = date.map((one) => new Date(Math.floor(one.getTime() / 1000) * 1000));

const { value: anything } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    text,
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    double,
    fc.boolean(),
    seconds,
    fc.uint8Array(),
    fc.array(tie('value')),
    fc.dictionary(text, tie('value'), { noNullPrototype: false }),
  ),
}));

describe('encode', () => {
  it('sends what comes back as it was, whatever it is', () => {
    fc.assert(
      fc.property(anything, (value) => expect(there(value)).toEqual(value)),
      { numRuns: 500 },
    );
  });

  it('leaves the type of a string out, except where it is blank', () => {
    expect(encodeResult('a < b')).toContain('<param><value>a &lt; b</value></param>');
    for (const blank of ['', ' ', '\n']) {
      expect(encodeResult(blank)).toContain(`<value><string>${blank}</string></value>`);
    }
  });

  it('sends a method and its params', () => {
    const bytes = Buffer.from(encodeCall('containers.get', [{ id: 'a' }, 7]));
    expect(decodeCall(bytes)).toEqual({ method: 'containers.get', params: [{ id: 'a' }, 7] });
  });

  it('sends a fault', () => {
    const bytes = Buffer.from(encodeFault({ faultCode: 404, faultString: 'cannot find <it>' }));
    expect(decodeAnswer(bytes)).toEqual({ kind: 'fault', faultCode: 404, faultString: 'cannot find <it>' });
  });

  it('keeps a carriage return, which XML would turn into a newline', () => {
    expect(there('a\r\nb\rc\n')).toBe('a\r\nb\rc\n');
  });

  it('replaces what XML cannot hold, so that an answer is never malformed', () => {
    expect(there('a\u0000b\u001bc\ud800d\uffffe')).toBe('a\ufffdb\ufffdc\ufffdd\ufffde');
    expect(there('whole \u{1f40b}')).toBe('whole \u{1f40b}');
  });

  it('leaves out what is undefined', () => {
    expect(encodeResult({ a: undefined, b: 1 })).not.toContain('<name>a</name>');
  });

  it('writes doubles without an exponent, as the specification wants', () => {
    expect(encodeResult(-1.5e-7)).toContain('<double>-0.00000015</double>');
    expect(there(-1.5e-7)).toBe(-1.5e-7);
  });

  it.each([
    ['a whole number beyond 32 bits', 2 ** 31],
    ['one below them', -(2 ** 31) - 1],
    ['one that is huge', 1e300],
    ['infinity', Infinity],
    ['NaN', NaN],
    ['null', null],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['undefined in an array', [undefined]],
    ['an object of a class', new Map()],
    ['an invalid date', new Date(NaN)],
    ['a date after the year 9999', new Date('+010000-01-01T00:00:00Z')],
  ])('refuses %s', (_, value) => {
    expect(() => encodeResult(value as Value)).toThrow(Unsendable);
  });

  it('refuses what is nested without end', () => {
    const loop: Value[] = [];
    loop.push(loop);
    expect(() => encodeResult(loop)).toThrow(Unsendable);
  });
});
