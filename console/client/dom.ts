type Child = Node | string | null;

interface Attributes {
  readonly class?: string;
  readonly title?: string;
  readonly href?: string;
  readonly role?: string;
  readonly 'data-points'?: string;
  readonly 'data-kind'?: string;
  readonly colspan?: string;
  readonly scope?: string;
}

function append(parent: Element, children: readonly Child[]): void {
  for (const child of children) if (child !== null) parent.append(child);
}

/** An element. Text becomes text nodes and never markup, so nothing that comes from an event can be executed. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) element.setAttribute(name, value);
  append(element, children);
  return element;
}

/** An SVG element; the same rules. */
export function svg(
  tag: string,
  attributes: Readonly<Record<string, string | number>> = {},
  ...children: readonly Child[]
): SVGElement {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  append(element, children);
  return element;
}

/** The element of the page with this id. @throws Error when the page has none */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element "${id}"`);
  return element;
}

/** Links leave the page only for the web: no `javascript:` or other scheme from data. */
export function safeLink(href: string, text: string): HTMLElement {
  return /^https?:\/\//.test(href) ? h('a', { href }, text) : h('span', {}, text);
}
