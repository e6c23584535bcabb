/** What a column is probably about, by its name and what is in it. */
import { snake } from '../names.ts';
import type { Column } from './column.ts';

const has = (words: string, name: string) => new RegExp(`(^|_)(${words})(_|$)`).test(name);
const ends = (words: string, name: string) => new RegExp(`(^|_)(${words})$`).test(name);

const PERSONAL =
  'email|e_mail|mail|phone|telephone|tel|mobile|cell|fax|first_name|firstname|last_name|lastname|surname|full_name|fullname|middle_name|username|user_name|customer_name|client_name|contact|contact_name|name|address|street|ssn|passport|iban|birthday|birthdate|birth_date|date_of_birth|dob|ip|ip_address|credit_card|card_number|latitude|longitude';
/** `product_name` is nobody's. */
const THINGS =
  'product|item|file|event|store|shop|brand|category|campaign|channel|plan|country|city|state|column|table|department|company|model|page|host|app|template';
const CODES =
  'id|ids|uuid|guid|key|code|sku|zip|zipcode|postcode|postal|isbn|ean|upc|asin|no|nr|number|phone|account|invoice|ref|reference|hash|token|serial|version';
const LEVELS =
  'rate|ratio|percent|percentage|pct|share|score|age|year|month|week|weekday|day|hour|minute|temp|temperature|balance|level|index|rank|rating|grade|position|lat|lon|lng|unit_price|price_per|speed|humidity|pressure|voltage';
const AMOUNTS = 'quantity|qty|count|amount|number_of|num|items|units|pieces|total';

/** What says who somebody is: it is no feature's business. By values, too: half of them are addresses or telephone numbers. */
export function isPersonal(column: Column): boolean {
  const name = snake(column.label);
  // A date has the digits of a telephone number.
  const phones = column.times.found.length > 0 ? 0 : column.phones;
  if (column.values > 0 && (column.emails + phones) * 2 > column.values) return true;
  return ends(PERSONAL, name) && !has(THINGS, name);
}

/** It has digits, and nobody adds it up. */
export const isCode = (column: Column): boolean => column.leadingZeros > 0 || ends(CODES, snake(column.label));

/** It is measured, not added up. */
export const isLevel = (column: Column): boolean => has(LEVELS, snake(column.label));

export const isAmount = (column: Column): boolean => has(AMOUNTS, snake(column.label));

const TIMES = 'time|timestamp|date|datetime|ts|at|when|day|created|occurred|happened';
const FACT =
  'event|order|ordered|purchase|purchased|transaction|invoice|created|occurred|placed|sale|visit|booking|payment|trans';
const OTHER =
  'birth|dob|updated|modified|ship|shipped|shipping|deliver|delivered|delivery|expir|expires|due|end|cancelled|canceled|closed|valid|load|loaded|synced|deleted';

export function namesTime(column: Column): number {
  const name = snake(column.label);
  return (has(TIMES, name) ? 4 : 0) + (has(FACT, name) ? 2 : 0) - (has(OTHER, name) ? 3 : 0);
}

const WHO =
  'customer|client|user|account|member|household|visitor|subscriber|patient|device|sensor|machine|person|buyer|player|driver|employee|merchant|passenger|student|guest|consumer|shopper|donor|vehicle|tenant|profile|owner';

/** How much a column looks like whom the rows are about; 0: not at all. */
export function namesEntity(column: Column): number {
  const name = snake(column.label);
  if (has(WHO, name)) return ends('id|key|no|nr|number|code|uuid', name) || ends(WHO, name) ? 8 : 2;
  if (name === 'id' || name === 'entity_id') return 4;
  return ends('id|key|uuid', name) ? 3 : 0;
}

/** How much a column looks like the id of a row; 0: not at all. */
export function namesId(column: Column, eventType: string): number {
  const name = snake(column.label);
  if (name === 'id' || name === 'event_id' || name === `${eventType}_id` || name === 'uuid') return 6;
  if (has('transaction|order|invoice|event|receipt|row|record|request|message', name) && ends(CODES, name)) return 5;
  return ends('id|uuid|guid|key', name) ? 3 : 0;
}
