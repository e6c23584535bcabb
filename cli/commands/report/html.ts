/** HTML in which nothing from outside is markup. */

/** Markup that was made here. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | null | undefined | false | readonly Part[];

/** A template whose values are escaped, unless they are markup themselves; null, undefined and false are nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly Part[]): Html {
  return new Html(parts.map((part, i) => (i === 0 ? part : `${shown(values[i - 1])}${part}`)).join(''));
}

function shown(value: Part): string {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(shown).join('');
  if (value === null || value === undefined || value === false) return '';
  return String(value)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** A table with its words above; numbers stand to the right. @param wide of many columns, which scrolls in itself on a phone */
export function table(head: readonly string[], rows: readonly (readonly Part[])[]): Html {
  const cell = (value: Part, i: number) =>
    typeof value === 'number' || (typeof value === 'string' && /^[−$]?[\d.,]+ ?%?$/.test(value))
      ? html`<td class="number" data-of="${head[i]}">${typeof value === 'number' ? value.toLocaleString('en') : value}</td>`
      : html`<td data-of="${head[i]}">${value}</td>`;
  return html`<div class="scroll"><table><thead><tr>${head.map((word) => html`<th scope="col">${word}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`)}</tbody></table></div>`;
}
