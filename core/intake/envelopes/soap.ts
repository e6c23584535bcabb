/** XML of SOAP messages as plain objects: no entities but XML's own five, no document type, no numbers guessed. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { MAX_DEPTH } from '../../admission/record.ts';
import { Rejection } from '../../ir/rejection.ts';

/** An element: its text, null where it says `xsi:nil`, else its attributes (`@type`) and children; repeated ones as arrays. */
export type Element = string | null | { readonly [name: string]: Element | readonly Element[] };

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  cdataPropName: '#cdata',
  removeNSPrefix: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  // Ids and amounts are texts: 007 is not 7.
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  // The parser's own way with entities is the one that attacks know; the five that XML has are read below.
  processEntities: false,
  tagValueProcessor: (_name, text) => decoded(text),
  attributeValueProcessor: (_name, text) => decoded(text),
  maxNestedTags: MAX_DEPTH,
});

/** @throws Rejection INVALID_ENVELOPE for a document type, an entity, text that is no XML, or too deep */
export function parseXml(source: string): Element {
  const text = source.startsWith('\ufeff') ? source.slice(1) : source;
  if (/<!\s*(?:DOCTYPE|ENTITY)/i.test(text))
    throw new Rejection('INVALID_ENVELOPE', 'body: found a DOCTYPE; allowed: XML without one');
  if (/^<\?xml[^>]*\sencoding\s*=\s*["'](?!utf-8["'])/i.test(text))
    throw new Rejection('INVALID_ENVELOPE', 'body: found XML of another encoding; allowed: UTF-8');
  let tree: unknown;
  try {
    if (XMLValidator.validate(text) !== true) throw notXml();
    tree = parser.parse(text);
  } catch (error) {
    if (error instanceof Rejection) throw error;
    throw notXml();
  }
  return elementOf(tree);
}

function notXml(): Rejection {
  return new Rejection(
    'INVALID_ENVELOPE',
    `body: found text that is no XML of up to ${MAX_DEPTH} levels; allowed: SOAP`,
  );
}

/** What is inside of an element, text between elements left out. */
function elementOf(node: unknown): Element {
  if (node === null || typeof node !== 'object') return String(node ?? '');
  const members = Object.entries(node);
  if (members.some(([name, value]) => name === '@nil' && (value === 'true' || value === '1'))) return null;
  const inner = members.filter(([name]) => !name.startsWith('#') && name !== '@nil' && !name.startsWith('@xmlns'));
  const text = textOf(node as Record<string, unknown>);
  const hasElements = inner.some(([name]) => !name.startsWith('@'));
  if (!hasElements && (text !== undefined || inner.length === 0)) return String(text ?? '');
  return Object.fromEntries(
    inner.map(([name, value]) => [name, Array.isArray(value) ? value.map(elementOf) : elementOf(value)]),
  );
}

/** In a CDATA section nothing is an entity, so it is kept apart from text; which came first is not known then. */
function textOf(node: Readonly<Record<string, unknown>>): unknown {
  const [text, cdata] = [node['#text'], node['#cdata']];
  if (cdata === undefined) return text;
  if (typeof text === 'string' && text.trim() !== '')
    throw new Rejection('INVALID_ENVELOPE', 'body: found text beside CDATA; allowed: one of them in an element');
  return Array.isArray(cdata) ? cdata.join('') : cdata;
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** One pass, so that `&amp;lt;` stays `&lt;`. @throws Rejection for any other entity */
function decoded(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w{1,8}));?/g, (whole, decimal, hex, name) => {
    const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : Number.NaN;
    const isCharacter = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    const character = isCharacter ? String.fromCodePoint(code) : NAMED[name];
    if (character === undefined || !whole.endsWith(';'))
      throw new Rejection(
        'INVALID_ENVELOPE',
        "body: found an entity that is not XML's own; allowed: its five and characters by number",
      );
    return character;
  });
}
