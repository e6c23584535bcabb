/** Colours for what is drawn on a canvas: those of the style sheet, in the theme that the system asks for now. */

const SERIES = 8;

export interface Theme {
  readonly ink: string;
  readonly soft: string;
  readonly rule: string;
  readonly line: string;
  readonly panel: string;
  readonly bad: string;
  readonly bar: string;
  /** Told apart also with a colour-vision deficiency (Okabe-Ito, darkened for a light ground and lightened for a dark one). */
  readonly series: readonly string[];
  readonly font: string;
}

export function theme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    ink: colour('ink'),
    soft: colour('soft'),
    rule: colour('rule'),
    line: colour('line'),
    panel: colour('panel'),
    bad: colour('bad'),
    bar: colour('bar'),
    series: Array.from({ length: SERIES }, (_, index) => colour(`series-${index + 1}`)),
    font: getComputedStyle(document.body).fontFamily,
  };
}

/** Calls back when the system changes between light and dark. */
export function onThemeChange(redraw: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
}
