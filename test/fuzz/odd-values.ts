/** Values that producers send, and that nobody would: by kind. */
/** JSON text as it stands, where JSON.stringify would write another. */
export class Literal {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
/** A member that stands twice; parsers keep the last. */
export class Twice {
  readonly values: readonly unknown[];
  constructor(...values: readonly unknown[]) {
    this.values = values;
  }
}
export type Envelope = Record<string, unknown>;

export const deep = (levels: number) => new Literal('['.repeat(levels) + ']'.repeat(levels));

export const TEXTS = [
  ...[
    '',
    ' ',
    'web',
    ' WEB\t',
    '\u00a0web',
    'web\u2028',
    'a\u0000b',
    '\u0085',
    '\ufeffx',
    '\ufffe',
    'é',
    'e\u0301',
    'İ',
    'ß',
  ],
  ...[
    '𝒳'.repeat(5),
    '𝒳'.repeat(6),
    '\ud83d',
    '\ude00\ud83d',
    'a'.repeat(128),
    'a'.repeat(129),
    '😀'.repeat(128),
    '#clock',
  ],
  ...[
    'a\r\nb',
    'a\nb',
    "'; DROP",
    '<!here|x>',
    '%',
    '../..',
    '{entity_id}',
    '12',
    '-0',
    '1e3',
    'null',
    'NaN',
    '__proto__',
  ],
];
export const NUMBERS = [
  ...[
    '0',
    '-0',
    '-0.0',
    '1',
    '1.5',
    '1e2',
    '1E400',
    '-1e400',
    '1e-400',
    '12345678901234567890',
    '0.1',
    '3.70',
    '1e21',
    '1e22',
  ],
  ...[
    '9007199254740991',
    '9007199254740992',
    '9007199254740993',
    '2147483647',
    '2147483648',
    '-2147483649',
    '202603011200',
  ],
  ...[
    '0.30000000000000004',
    '123456789.12',
    '1.005',
    '1e15',
    '1e16',
    '1.7976931348623157e308',
    '5e-324',
    '4294967295',
    '01',
    '+1',
  ],
  ...['.5', '5.', '1_000', 'NaN', 'Infinity', '-Infinity', '0x10', '1e', '-', '١'],
].map((text) => new Literal(text));
export const DECIMALS = [
  '12.34',
  '12.345',
  '-0.005',
  ' 1.5',
  '1e3',
  '1e400',
  '1,5',
  '٣',
  '0x1',
  '90071992547409.91',
  '1'.repeat(400),
];
export const TIMES: readonly unknown[] = [
  ...['2026-03-01T10:00:00Z', '2026-03-01 10:00:00+00', '2026-03-01T05:00:00-05', '2026-03-01T10:00:00.1234567+05:30'],
  ...[
    '2026-03-01T10:00:00',
    '2026-03-01',
    '2026-03-01T24:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-03-01T10:00:60Z',
    'now',
    '',
  ],
  ...[
    '1772359200',
    '1772359200.123456',
    '1772359200123',
    '-1',
    '0',
    '1e9',
    '2026-03-01T10:00:00.999999999Z',
    '9999-12-31T23:59:59Z',
  ],
  ...[
    '10000-01-01T00:00:00Z',
    '2026-03-01t10:00:00z',
    '2026-03-01T10:00:00+2400',
    '2026-03-01T10:00:00 Z',
    '\n2026-03-01T10:00Z',
  ],
  ...[
    '1772359200',
    '1772359200.123456',
    '1772359200123',
    '1772359200123.5',
    '1772359200999.9996',
    '-1',
    '1e12',
    '1e13',
    '253402300800',
  ].map((text) => new Literal(text)),
];
export const WRONG: readonly unknown[] = [null, true, false, [], {}, [1], { a: 1 }, ...NUMBERS, ...TEXTS];
export const KEYS = [
  ...[
    'points',
    'toString',
    'hasOwnProperty',
    '10',
    '9',
    '007',
    'é',
    '',
    ' ',
    'a b',
    '\ud83d',
    'x\u0000',
    '_unknown',
    '$',
    'amount',
  ],
  ...['constructor', '__proto__', 'prototype', '__pr\u006fto__', 'entity_id', 'valueOf', 'length', 'Amount', 'total'],
];
export const SPLICES = [
  '{',
  '}',
  '"',
  '\\',
  '\n{',
  '\n',
  '\r\n',
  '[',
  ']',
  ',',
  ':',
  '\u0000',
  '{}',
  '\\u',
  '\\ud83d',
  'é',
].map((text) => Buffer.from(text, 'utf8'));
