type Child = Node | string | null;

interface Attributes {
  readonly class?: string;
  readonly title?: string;
  readonly href?: string;
  readonly role?: string;
  readonly 'aria-hidden'?: 'true';
  readonly 'data-box'?: string;
  readonly 'data-label'?: string;
  readonly 'data-kind'?: string;
  readonly 'data-state'?: string;
  readonly scope?: string;
}

/** On a narrow screen the style sheet makes rows into cards; what the elements are would be lost with their `display`. */
const TABLE_ROLES: Readonly<Record<string, string>> = {
  thead: 'rowgroup',
  tbody: 'rowgroup',
  tr: 'row',
  th: 'columnheader',
  td: 'cell',
};

/** An element. Text becomes text nodes and never markup, so nothing that comes from an event can be executed. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  const role = TABLE_ROLES[tag];
  for (const [name, value] of Object.entries({ role, ...attributes }))
    if (value !== undefined) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** The element of the page with this id. @throws Error when the page has none */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element "${id}"`);
  return element;
}

/** Fills a table, which keeps its role however its rows are laid out. @param none what is said where there are no rows */
export function fillTable(id: string, headings: readonly string[], rows: readonly HTMLElement[], none = ''): void {
  const table = byId(id);
  table.setAttribute('role', 'table');
  if (rows.length === 0) {
    table.replaceChildren(h('tbody', {}, h('tr', {}, h('td', { class: 'empty' }, none))));
    return;
  }
  const head = headings.map((heading) => h('th', { scope: 'col' }, heading));
  table.replaceChildren(h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...rows));
}

/** Links leave the page only for the web: no `javascript:` or other scheme from data. */
export function safeLink(href: string, text: string): HTMLElement {
  return /^https?:\/\//.test(href) ? h('a', { href }, text) : h('span', {}, text);
}

const shown = new Map<string, string>();

/** Whether a part of the page shows something else by now. What did not change stays, with the focus and the selection in it. */
export function changed(part: string, answer: unknown): boolean {
  const text = JSON.stringify(answer);
  if (shown.get(part) === text) return false;
  shown.set(part, text);
  return true;
}
