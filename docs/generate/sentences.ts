/** One sentence a line in the prose of Markdown: a change of a sentence is a change of its line. */

/** What ends no sentence, though a point stands behind it. */
const ABBREVIATION = /(?:\be\.g|\bi\.e|\bvs|\bcf|\bNo|\bU\.S)\.$/;
/** Words in front, such as `**Decision.**`, stay with the sentence behind them. */
const LEAD = /^\*\*[^*]+\*\*$/;
const ITEM = /^(\s*)([-*]|\d+\.)(\s+)/;
const FENCE = /^\s*(```|~~~)/;
/** Lines that are as they are: tables, headings, comments and other HTML, rules. */
const VERBATIM = /^\s*(\||#|<|---|:?-+:?\s*\|)/;

/** Splits prose; what stands in code or in the target of a link is one word. */
export function sentencesOf(prose: string): string[] {
  const kept: string[] = [];
  const words = prose.replace(/`[^`]*`|\[[^\]]*\]\([^)]*\)/g, (part) => `\uE000${kept.push(part) - 1}\uE001`);
  const sentences: string[] = [];
  let from = 0;
  for (const end of words.matchAll(/[.!?]["')\]*_\uE001]*\s+(?=["'“‘(*_[]*[\p{Lu}\d\uE000])/gu)) {
    const until = end.index + end[0].length;
    const sentence = words.slice(from, until).trim();
    if (ABBREVIATION.test(sentence) || LEAD.test(sentence)) continue;
    sentences.push(sentence);
    from = until;
  }
  sentences.push(words.slice(from).trim());
  return sentences.map((one) => one.replace(/\uE000(\d+)\uE001/g, (_, index: string) => kept[Number(index)]!));
}

/** @returns the document with each sentence of its paragraphs and lists on a line of its own; nothing else changes */
export function oneSentenceALine(markdown: string): string {
  const out: string[] = [];
  let open: { marker: string; indent: string; text: string[] } | undefined;
  let fenced = false;
  const close = () => {
    if (!open) return;
    const { marker, indent, text } = open;
    out.push(...sentencesOf(text.join(' ')).map((line, place) => `${place === 0 ? marker : indent}${line}`));
    open = undefined;
  };
  for (const line of markdown.split('\n')) {
    const fence = FENCE.test(line);
    if (fence) fenced = !fenced;
    if (fenced || fence || line.trim() === '' || VERBATIM.test(line)) {
      close();
      out.push(line);
      continue;
    }
    const item = ITEM.exec(line);
    if (item) close();
    const marker = item?.[0] ?? '';
    const indent = item ? ' '.repeat(marker.length) : /^\s*/.exec(line)![0];
    if (open) open.text.push(line.trim());
    else open = { marker: item ? marker : indent, indent, text: [line.slice(marker.length).trim()] };
  }
  close();
  return out.join('\n');
}
