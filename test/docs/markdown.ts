/** What stands in a document: links, headings, code. */

const FENCED = /^[ ]*(```|~~~).*?^[ ]*\1[ ]*$/gms;

export interface Fence {
  readonly language: string;
  /** The rest of the line that opens it, such as a file's name. */
  readonly info: string;
  readonly code: string;
}

export function fencesOf(markdown: string): Fence[] {
  return [...markdown.matchAll(/^```(\w+)(?: ([^\n]*))?\n(.*?)^```$/gms)].map(([, language, info = '', code]) => ({
    language: language!,
    info,
    code: code!,
  }));
}

const prose = (markdown: string) => markdown.replace(FENCED, '');

/** Where links and images lead, HTML's too. */
export function linksOf(markdown: string): string[] {
  const text = prose(markdown).replace(/`[^`\n]*`/g, '');
  const written = [...text.matchAll(/\]\(([^)\s]+)\)/g), ...text.matchAll(/\b(?:src|srcset|href)="([^"]+)"/g)];
  return written.map(([, target]) => target!);
}

/** Code within the prose, tables included. */
export const codeOf = (markdown: string): string[] =>
  [...prose(markdown).matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!);

/** Anchors of the headings, as GitHub makes them. */
export function anchorsOf(markdown: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = [...prose(markdown).matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading]) => {
    const slug = heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
  return new Set(anchors);
}
