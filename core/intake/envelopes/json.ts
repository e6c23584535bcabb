/** Any API's JSON: an object, or the members of an array in it. */
import { typeName } from '../../ir/errors.ts';
import { Rejection } from '../../ir/rejection.ts';
import type { EnvelopeOptions } from '../../ir/source-options.ts';
import { bodyOf, bytesOf, refusedWhole } from '../body.ts';
import type { Envelope, Item, Refused, Unpacked } from '../envelope.ts';
import { identifierText } from '../identifier-text.ts';
import { type Pointer, pointerOf } from '../pointer.ts';

type Options = EnvelopeOptions<'json'>;

const nowhere: Pointer = () => undefined;

export const json: Envelope<Options> = {
  name: 'json',
  unpack: (raw, _context, options) => refusedWhole(raw, () => itemsOf(membersOf(bodyOf(raw), options), options)),
};

/** Objects as items, and what is no object refused. */
export function itemsOf(members: readonly unknown[], at: Pick<Options, 'id' | 'kind'>): Unpacked {
  const [idOf, kindOf] = [at.id, at.kind].map((pointer) => (pointer === undefined ? nowhere : pointerOf(pointer)));
  const items: Item[] = [];
  const refused: Refused[] = [];
  for (const body of members) {
    if (typeName(body) === 'object') {
      const kind = kindOf!(body);
      items.push({ body, id: identifierText(idOf!(body)), kind: typeof kind === 'string' ? kind : 'item' });
    } else {
      const detail = `item: found ${typeName(body)}; allowed: an object`;
      refused.push({ reason: 'NOT_AN_OBJECT', detail, raw: bytesOf(body) });
    }
  }
  return { items, refused, gaps: [] };
}

/** @throws Rejection where there is no such array */
function membersOf(body: unknown, { each }: Options): readonly unknown[] {
  if (each === undefined) return [body];
  const found = pointerOf(each)(body);
  if (Array.isArray(found)) return found;
  throw new Rejection('INVALID_ENVELOPE', `${each || 'body'}: found ${typeName(found)}; allowed: an array`);
}
