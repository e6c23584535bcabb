/** What is seen of one column while all rows pass: counts and bounds, and of its values only a few. */
import { MAX_NUMBER_DIGITS } from '../../../../core/values/decimal.ts';
import { trimmed } from '../../../../core/values/text.ts';
import { TextCounts } from '../../../input/rows/counts.ts';
import { DistinctEstimate } from './distinct.ts';
import { TimeSpellings } from './times.ts';

/** Values of a column that are kept to tell an enum. */
const KEPT = 64;
/** Enough for values that are compared: longer texts are no category and no id. */
const KEPT_LENGTH = 64;
/** What exporters write where there is nothing; whether it is meant so here, the rest of the column tells. */
const NOTHING = /^(?:|null|none|nil|n\/a|na|#n\/a|nan|\\n|-|--|\?|undefined|missing)$/i;
const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,4})?$/;
/** A digit more than a day, a month or a price may have in front. */
const LEADING_ZERO = /^-?0\d/;
const WITH_SEPARATORS = /^-?[$€£¥]? ?-?\d{1,3}(?:[., '’\u00a0\u202f]\d{3})*(?:[.,]\d{1,4})? ?(?:[$€£¥%]|[A-Z]{3})?$/;
const EMAIL = /^[^\s@]+@[^\s@]+\.[A-Za-z]{2,}$/;
const PHONE = /^\+?(?:[ ().-]*\d){8,15}$/;

export class Column {
  /** JSON pointer from the row. */
  readonly pointer: string;
  /** For people: the names on the way, with dots. */
  readonly label: string;
  /** Rows with a value that is none of NOTHING. */
  values = 0;
  readonly nothings = new Map<string, number>();
  /** Values by what JSON calls them. */
  readonly types = { number: 0, string: 0, boolean: 0, array: 0, object: 0 };
  /** Of texts and numbers. */
  numeric = 0;
  /** The first that is a text and no number, by its place. */
  firstText: string | undefined;
  texts = 0;
  leadingZeros = 0;
  whole = 0;
  /** Of numbers with a fraction or an exponent. */
  scale = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  /** JSON numbers that a contract refuses: beyond 2^53, or of more than 15 digits. */
  inexact = 0;
  illFormed = 0;
  longest = 0;
  separated = 0;
  emails = 0;
  phones = 0;
  /** Null once there are too many. */
  kept: Map<string, number> | null = new Map();
  readonly times = new TimeSpellings();
  private readonly estimate = new DistinctEstimate();
  private exact: TextCounts | null;
  private once = true;

  /** @param mayBeId whether to tell exactly if no value comes twice */
  constructor(pointer: string, label: string, mayBeId: boolean) {
    this.pointer = pointer;
    this.label = label;
    this.exact = mayBeId ? new TextCounts() : null;
  }

  get distinct(): number {
    return Math.min(this.values, this.kept === null ? this.estimate.count : this.kept.size);
  }

  /** Known only of columns that may be ids: no value came twice. */
  get unique(): boolean {
    return this.exact !== null && this.once && this.values > 0;
  }

  /** @param value not null @param place of its row */
  add(value: unknown, place: string): void {
    const text = typeof value === 'string' ? trimmed(value) : value;
    if (typeof text === 'string' && NOTHING.test(text)) {
      this.nothings.set(text, (this.nothings.get(text) ?? 0) + 1);
      return;
    }
    this.values++;
    if (Array.isArray(value)) this.types.array++;
    else if (typeof value === 'object') this.types.object++;
    else {
      this.types[typeof text as 'string']++;
      if (typeof text === 'string') this.addText(text, place);
      else if (typeof text === 'number') this.addNumber(text);
      this.times.add(text);
      this.count(String(text));
    }
  }

  private count(text: string): void {
    this.estimate.add(text);
    if (this.exact !== null && this.exact.add(text) > 0) {
      // What came twice is no id, and what it takes to know that is much.
      this.once = false;
      this.exact = null;
    }
    if (this.kept === null) return;
    if (this.kept.size >= KEPT && !this.kept.has(text)) this.kept = null;
    else if (text.length > KEPT_LENGTH) this.kept = null;
    else this.kept.set(text, (this.kept.get(text) ?? 0) + 1);
  }

  private addText(text: string, place: string): void {
    const length = [...text].length;
    if (length > this.longest) this.longest = length;
    if (NUMBER.test(text)) {
      if (LEADING_ZERO.test(text)) this.leadingZeros++;
      this.addDigits(text);
      return;
    }
    this.firstText ??= place;
    this.texts++;
    if (!text.isWellFormed()) this.illFormed++;
    if (EMAIL.test(text)) this.emails++;
    else if (WITH_SEPARATORS.test(text)) this.separated++;
    else if (PHONE.test(text)) this.phones++;
  }

  private addNumber(value: number): void {
    const text = String(value);
    const digits = (text.split('e')[0] ?? '').replace(/[-.]/g, '').replace(/^0+|0+$/g, '');
    if (Number.isInteger(value) ? !Number.isSafeInteger(value) : digits.length > MAX_NUMBER_DIGITS) this.inexact++;
    this.addDigits(text);
  }

  private addDigits(text: string): void {
    this.numeric++;
    const value = Number(text);
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
    const [, fraction = '', exponent = '0'] = /^-?\d+(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
    if (!/[.eE]/.test(text)) this.whole++;
    const scale = Math.max(0, fraction.length - Number(exponent));
    if (scale > this.scale) this.scale = scale;
  }
}
