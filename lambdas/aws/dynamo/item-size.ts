import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** Bytes that DynamoDB counts for an item (developer guide, "item sizes and formats"), never fewer. */
export function sizeOf(item: Readonly<Record<string, AttributeValue>>): number {
  let size = 0;
  for (const [name, value] of Object.entries(item)) size += Buffer.byteLength(name) + sizeOfValue(value);
  return size;
}

function sizeOfValue({ S, B, N, M }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S);
  if (B !== undefined) return B.length;
  if (N !== undefined) return (N.length >> 1) + 2;
  return M === undefined ? 1 : 3 + Object.keys(M).length + sizeOf(M);
}
