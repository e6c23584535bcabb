/** Records of DynamoDB Streams, in the shape that it documents. */
import { describe, expect, test } from '@jest/globals';
import type { ChangeBody } from '../../../core/intake/envelope.ts';
import { dynamodb } from '../../../core/intake/envelopes/dynamodb.ts';

const read = (value: unknown) =>
  dynamodb.unpack(Buffer.from(JSON.stringify(value)), { received_ms: 0, carriage: 'dynamodb' }, {});

function only(value: unknown) {
  const { items, refused, gaps } = read(value);
  expect({ refused, gaps, count: items.length }).toEqual({ refused: [], gaps: [], count: 1 });
  return { ...items[0]!, body: items[0]!.body as ChangeBody };
}

const reasonOf = (value: unknown) => read(value).refused.map(({ reason }) => reason);

describe('dynamodb', () => {
  const record = {
    eventID: 'c4ca4238a0b923820dcc509a6f75849b',
    eventName: 'MODIFY',
    eventSource: 'aws:dynamodb',
    eventSourceARN: 'arn:aws:dynamodb:eu-west-1:123456789012:table/carts/stream/2026-01-01T00:00:00.000',
    dynamodb: {
      Keys: { id: { S: 'c1' } },
      ApproximateCreationDateTime: 1_700_000_000.5,
      NewImage: { id: { S: 'c1' }, total: { N: '12.5' } },
      OldImage: { id: { S: 'c1' }, total: { N: '9' } },
      SequenceNumber: '4421584500000000017450439091',
      StreamViewType: 'NEW_AND_OLD_IMAGES',
    },
  };

  test('a change, with the place in the stream as its id', () => {
    expect(only(record)).toEqual({
      id: 'carts:4421584500000000017450439091',
      kind: 'carts u',
      body: {
        ...{ op: 'u', schema: null, table: 'carts', key: { id: 'c1' } },
        before: { id: 'c1', total: 9 },
        after: { id: 'c1', total: 12.5 },
        position: '4421584500000000017450439091',
        time_ms: 1_700_000_000_500,
      },
    });
  });

  test('every type, and numbers to the digit', () => {
    const image = {
      text: { S: '' },
      safe: { N: '9007199254740991' },
      large: { N: '9007199254740993' },
      exact: { N: '0.1000000000000000000000000000000000001' },
      negative: { N: '-1.5' },
      flag: { BOOL: false },
      nothing: { NULL: true },
      bytes: { B: 'AQI=' },
      list: { L: [{ N: '1' }, { M: { deep: { S: 'x' } } }] },
      texts: { SS: ['a', 'b'] },
      numbers: { NS: ['1', '12345678901234567890'] },
    };
    const { body } = only({ ...record, dynamodb: { ...record.dynamodb, NewImage: image } });
    expect(body.after).toEqual({
      text: '',
      safe: 9007199254740991,
      large: '9007199254740993',
      exact: '0.1000000000000000000000000000000000001',
      negative: -1.5,
      flag: false,
      nothing: null,
      bytes: 'AQI=',
      list: [1, { deep: 'x' }],
      texts: ['a', 'b'],
      numbers: [1, '12345678901234567890'],
    });
  });

  test('a stream of keys alone has no images', () => {
    const { Keys, SequenceNumber } = record.dynamodb;
    const { body } = only({ ...record, eventName: 'REMOVE', dynamodb: { Keys, SequenceNumber } });
    expect(body).toMatchObject({ op: 'd', before: null, after: null, key: { id: 'c1' }, time_ms: null });
  });

  test.each([
    [{ ...record, eventName: 'OTHER' }],
    [{ ...record, eventSourceARN: 'x' }],
    [{ ...record, dynamodb: { ...record.dynamodb, NewImage: { a: { N: 5 } } } }],
    [{ ...record, dynamodb: { ...record.dynamodb, NewImage: { a: { X: 'y' } } } }],
    [{ ...record, dynamodb: { ...record.dynamodb, NewImage: { a: {} } } }],
    [{ ...record, dynamodb: { ...record.dynamodb, SequenceNumber: undefined } }],
  ])('what is no record of a stream is refused whole: %#', (bad) => {
    expect(reasonOf(bad)).toEqual(['INVALID_ENVELOPE']);
  });

  test('an attribute that could change objects is refused', () => {
    const image = JSON.parse('{"__proto__": {"S": "x"}}');
    expect(reasonOf({ ...record, dynamodb: { ...record.dynamodb, NewImage: image } })).toEqual(['FORBIDDEN_KEY']);
  });
});
