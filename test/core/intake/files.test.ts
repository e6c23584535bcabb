/** Files of sources as rows: each format, what is damaged in it, and that the size of a chunk says nothing. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { rowReader } from '../../../core/intake/files/index.ts';
import { LONGEST_ROW } from '../../../core/intake/files/lines.ts';
import { isBad } from '../../../core/intake/files/row.ts';
import { CARRIAGE_OPTIONS } from '../../../core/ir/source-options.ts';

async function* inChunks(data: Buffer, size: number) {
  // One buffer for all, as a stream may do it.
  const buffer = Buffer.alloc(size);
  for (let at = 0; at < data.length; at += size) yield buffer.subarray(0, data.copy(buffer, 0, at, at + size));
}

async function read(options: object, content: string | Buffer, size = 7) {
  const data = Buffer.from(content);
  const found: unknown[] = [];
  for await (const row of rowReader(CARRIAGE_OPTIONS.files.parse(options))(inChunks(data, size))) {
    if (isBad(row)) found.push([row.place, row.reason, row.detail, Buffer.from(row.raw).toString()]);
    else found.push([row.place, JSON.parse(Buffer.from(row.json).toString())]);
  }
  return found;
}
const bad = (place: number, says: string, raw: string) => [
  place,
  'INVALID_ENVELOPE',
  expect.stringContaining(says),
  raw,
];
const csv = { format: 'csv' };

describe('NDJSON', () => {
  test('is a value a line, with any line ends and a byte order mark', async () => {
    expect(await read({}, '\ufeff{"a":1}\r\n\n  \n{"a":2}\n{"a":3}')).toEqual([
      [1, { a: 1 }],
      [4, { a: 2 }],
      [5, { a: 3 }],
    ]);
    expect(await read({}, '')).toEqual([]);
  });

  test('passes a line over that no event could be, and goes on', async () => {
    const long = JSON.stringify('x'.repeat(2 * LONGEST_ROW));
    const found = await read({}, `1\n${long}\n3\n`, 65_536);
    expect(found).toEqual([
      [1, 1],
      [2, 'OVERSIZE', `line 2: found ${long.length} bytes; allowed: up to ${LONGEST_ROW}`, long.slice(0, LONGEST_ROW)],
      [3, 3],
    ]);
  });
});

describe('JSON', () => {
  test('is the elements of an array, whatever brackets and commas their texts hold', async () => {
    expect(await read({ format: 'json' }, '\ufeff [ {"a":"]},\\"{["} ,\n[1,[2]],"x", 3 ]\n')).toEqual([
      [1, { a: ']},"{[' }],
      [2, [1, [2]]],
      [3, 'x'],
      [4, 3],
    ]);
    expect(await read({ format: 'json' }, '[]')).toEqual([]);
    expect(await read({ format: 'json' }, ' {"a":[1,2]} ')).toEqual([[1, { a: [1, 2] }]]);
  });

  test('may also be values one after another, side by side or over several lines', async () => {
    const pretty = JSON.stringify({ a: [1, { b: '}{' }] }, null, 2);
    expect(await read({ format: 'json' }, `\ufeff${pretty}\r\n${pretty}{"c":3}{"d":\n4}\n5`)).toEqual([
      [1, JSON.parse(pretty)],
      [2, JSON.parse(pretty)],
      [3, { c: 3 }],
      [4, { d: 4 }],
      [5, 5],
    ]);
  });

  test('passes a value over that no event could be, and goes on', async () => {
    const long = JSON.stringify(['x'.repeat(2 * LONGEST_ROW)]);
    const over = [2, 'OVERSIZE', `value 2: found ${long.length} bytes; allowed: up to ${LONGEST_ROW}`];
    for (const text of [`[1,${long},3]`, `1\n${long}\n3\n`])
      expect(await read({ format: 'json' }, text, 65_536)).toEqual([
        [1, 1],
        [...over, long.slice(0, LONGEST_ROW)],
        [3, 3],
      ]);
  });

  test('of an array that does not end, or has something behind it, says so and keeps the rest', async () => {
    expect(await read({ format: 'json' }, '[1,{"a":')).toEqual([[1, 1], bad(2, 'does not end', '{"a":')]);
    expect(await read({ format: 'json' }, '[1,')).toEqual([[1, 1], bad(2, 'does not end', '')]);
    expect(await read({ format: 'json' }, '[1] [2]')).toEqual([[1, 1], bad(2, 'more behind the array', '[2]')]);
  });

  test('of an array of any values is these, in any chunks', async () => {
    const any = fc.tuple(fc.array(fc.jsonValue()), fc.nat(3), fc.integer({ min: 1, max: 9 }));
    await fc.assert(
      fc.asyncProperty(any, async ([values, indent, size]) => {
        const found = await read({ format: 'json' }, JSON.stringify(values, null, indent), size);
        expect(found).toEqual(values.map((value, i) => [i + 1, JSON.parse(JSON.stringify(value))]));
      }),
    );
  });
});

describe('CSV', () => {
  test('has quotes, CRLF, a byte order mark, line ends in values, and null for what is empty', async () => {
    const text = '\ufeffid, name ,note\r\n1,"Ann ""A""",\r\n\r\n2, "a,b\r\nc" ,""\r\n3 ,5" pipe, x';
    expect(await read(csv, text)).toEqual([
      [2, { id: '1', name: 'Ann "A"', note: null }],
      [4, { id: '2', name: 'a,b\nc', note: null }],
      [6, { id: '3', name: '5" pipe', note: 'x' }],
    ]);
  });

  test('may end its lines as a Mac of old did, and have lines of blanks', async () => {
    expect(await read(csv, ' \r"i\rd",note\r\r1,"a\rb"\r \t \r2,')).toEqual([
      [5, { 'i\nd': '1', note: 'a\nb' }],
      [8, { 'i\nd': '2', note: null }],
    ]);
    expect(await read({ ...csv, delimiter: '\t' }, 'a\tb\r\n \r\n\t\r\n1\t"x\ry"\r\n')).toEqual([
      [3, { a: null, b: null }],
      [4, { a: '1', b: 'x\ry' }],
    ]);
    expect(await read(csv, 'a,a\r')).toEqual([bad(1, 'a name twice', 'a,a')]);
  });

  test('may have another delimiter, and no header', async () => {
    const options = { ...csv, delimiter: ';', columns: ['10', '9', '__proto__'] };
    const [[, row]] = (await read(options, '1;"2;";3\n')) as [[number, object]];
    expect(Object.entries(row!)).toEqual(
      expect.arrayContaining([
        ['10', '1'],
        ['9', '2;'],
        ['__proto__', '3'],
      ]),
    );
  });

  test('a line with wrong quotes or another number of values is refused, and the rest goes on', async () => {
    expect(await read(csv, 'a,b\n1,"x"y\n2,c\n3\n4,d,e\n5,f\n')).toEqual([
      bad(2, 'a quote that is not closed', 'a,b\n1,"x"y'),
      [3, { a: '2', b: 'c' }],
      bad(4, 'found 1 values; allowed: 2', 'a,b\n3'),
      bad(5, 'found 3 values; allowed: 2', 'a,b\n4,d,e'),
      [6, { a: '5', b: 'f' }],
    ]);
  });

  test('a quote that is left open takes its own line alone', async () => {
    expect(await read(csv, 'a,b\n1,"open\n2,c\n3,"x"\n4,"y\n5,d')).toEqual([
      bad(2, 'a quote that is not closed', 'a,b\n1,"open'),
      [3, { a: '2', b: 'c' }],
      [4, { a: '3', b: 'x' }],
      bad(5, 'a quote that is not closed', 'a,b\n4,"y'),
      [6, { a: '5', b: 'd' }],
    ]);
    const many = Array.from({ length: 2500 }, (_, i) => `${i},z`).join('\n');
    expect(await read(csv, `a,b\n1,"open\n${many}\n`, 4096)).toHaveLength(2501);
  });

  test('bytes that are no UTF-8, also behind an open quote', async () => {
    const latin = Buffer.concat([Buffer.from('a,b\n1,"x\n2,'), Buffer.from([0xe9]), Buffer.from('\n3,c\n')]);
    expect((await read(csv, latin)).map((row) => (row as unknown[]).slice(0, 2))).toEqual([
      [2, 'INVALID_ENVELOPE'],
      [3, 'INVALID_UTF8'],
      [4, { a: '3', b: 'c' }],
    ]);
  });

  test('a header with a name twice can name no rows; one without a name can', async () => {
    expect(await read(csv, 'a,b,a\n1,2,3\n')).toEqual([bad(1, 'a name twice', 'a,b,a')]);
    expect(await read(csv, ',a\n0,1\n')).toEqual([[2, { '': '0', a: '1' }]]);
  });

  test('any table comes back, in any chunks', async () => {
    const value = fc.oneof(fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', ' ', 'é') }), fc.string());
    const table = fc.array(fc.tuple(value, value), { minLength: 1 });
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 9 }), async (values, size) => {
        const text = values.map((row) => `${row.map(quoted).join(',')}\n`).join('');
        const found = (await read({ ...csv, columns: ['a', 'b'] }, text, size)) as [number, { a: string; b: string }][];
        const pairs = found.map(([, { a, b }]) => [a, b]);
        expect(pairs).toEqual(values.map((row) => row.map((one) => one.replaceAll('\r\n', '\n') || null)));
      }),
    );
  });
});

describe('access logs', () => {
  test("CloudFront's fields are those that its header names", async () => {
    const lines = [
      '#Version: 1.0',
      '#Fields: date time cs-uri-stem cs(User-Agent) cs-uri-query x-edge-request-id',
      '2019-12-04\t21:02:31\t/view%20one\tMozilla/5.0%20(X11)\t-\tSOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==',
      '2019-12-04\t21:02:31\t/100%',
    ];
    expect(await read({ format: 'cloudfront' }, lines.join('\n'))).toEqual([
      [
        3,
        {
          date: '2019-12-04',
          time: '21:02:31',
          'cs-uri-stem': '/view one',
          'cs(User-Agent)': 'Mozilla/5.0 (X11)',
          'cs-uri-query': null,
          'x-edge-request-id': 'SOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==',
          timestamp: '2019-12-04T21:02:31Z',
        },
      ],
      bad(4, 'found 3 values; allowed: 6', `${lines[1]}\n${lines[3]}`),
    ]);
    expect(await read({ format: 'cloudfront' }, '/a\tb\n')).toEqual([bad(1, 'no line before', '/a\tb')]);
    const own = '#Fields: date time timestamp\n2019-12-04\t21:02:31\t1575493351\n';
    expect(await read({ format: 'cloudfront' }, own)).toMatchObject([[2, { timestamp: '1575493351' }]]);
  });

  // The example of AWS's documentation, with a field that nobody has named yet.
  const ALB =
    'https 2018-07-02T22:23:00.186641Z app/my-loadbalancer/50dc6c495c0c9188 192.168.131.39:2817 10.0.0.1:80 0.086 0.048 ' +
    '0.037 200 200 0 57 "GET https://www.example.com:443/ HTTP/1.1" "curl/7.46.0" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 ' +
    'arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067 ' +
    '"Root=1-58337281-1d84f3d73c47ec4e58577259" "www.example.com" "arn:aws:acm:us-east-2:123456789012:certificate/12345678" ' +
    '1 2018-07-02T22:22:48.364000Z "authenticate,forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_123456';

  test('of a load balancer are by their places, and new ones at the end are kept', async () => {
    const [[place, row]] = (await read({ format: 'alb' }, `${ALB} "new one" -\n`)) as [[number, object]];
    expect([place, row]).toEqual([
      1,
      expect.objectContaining({
        type: 'https',
        time: '2018-07-02T22:23:00.186641Z',
        'client:port': '192.168.131.39:2817',
        elb_status_code: '200',
        request: 'GET https://www.example.com:443/ HTTP/1.1',
        trace_id: 'Root=1-58337281-1d84f3d73c47ec4e58577259',
        redirect_url: null,
        conn_trace_id: 'TID_123456',
        field_31: 'new one',
        field_32: null,
      }),
    ]);
    expect(Object.keys(row!)).toHaveLength(32);
  });

  test('a line with wrong quotes or too few values is refused, and the rest goes on', async () => {
    const broken = ALB.replace('"curl/7.46.0"', '"curl/7.46.0');
    expect(await read({ format: 'alb' }, `${broken}\nhttp now\n${ALB}\n`)).toEqual([
      bad(1, 'quotes or blanks', broken),
      bad(2, 'found 2 values; allowed: 12 or more', 'http now'),
      [3, expect.objectContaining({ type: 'https' })],
    ]);
  });
});
