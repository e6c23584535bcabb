// Says what is going on: one line at the start, a sign of life while it lasts, one line with the seconds at the end.

const HEARTBEAT_MS = 15_000;
const REDRAW_MS = 200;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/**
 * @typedef {object} ProgressStep
 * @property {(detail: string) => void} update
 * @property {(detail?: string) => void} done
 * @property {(detail?: string) => void} fail
 * @property {() => number} elapsedMs
 */

/** Steps under way, drawn as live lines at the bottom of a terminal; on a pipe each step prints start, heartbeats and end. */
export class Progress {
  #out;
  #tty;
  #active = new Map();
  #drawn = 0;
  #timer;
  #frame = 0;

  /** @param {NodeJS.WriteStream} [out] */
  constructor(out = process.stdout) {
    this.#out = out;
    this.#tty = Boolean(out.isTTY) && !process.env.CI;
  }

  /**
   * Starts a step. `update` replaces its detail, `done` and `fail` end it.
   * @param {string} title what it does, in words
   * @returns {ProgressStep}
   */
  start(title) {
    const step = { title, detail: '', from: Date.now(), said: Date.now() };
    this.#active.set(step, step);
    if (!this.#tty) this.#out.write(`${title} …\n`);
    this.#timer ??= setInterval(() => this.#tick(), this.#tty ? REDRAW_MS : 1_000);
    this.#timer.unref();
    const end = (mark, detail) => {
      if (!this.#active.delete(step)) return;
      this.print(`${mark} ${title}${detail ? `: ${detail}` : ''} (${seconds(Date.now() - step.from)})`);
      if (this.#active.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
    };
    return {
      update: (detail) => {
        step.detail = detail;
      },
      done: (detail = '') => end('✓', detail),
      fail: (detail = '') => end('✗', detail),
      elapsedMs: () => Date.now() - step.from,
    };
  }

  /**
   * Runs `work` as a step; a thrown error ends the step as failed and is thrown on.
   * @template T
   * @param {string} title
   * @param {(step: ProgressStep) => Promise<T>} work
   * @param {(result: T) => string} [summary]
   * @returns {Promise<T>}
   */
  async step(title, work, summary) {
    const step = this.start(title);
    try {
      const result = await work(step);
      step.done(summary?.(result) ?? '');
      return result;
    } catch (error) {
      step.fail();
      throw error;
    }
  }

  /** Prints a line above the live ones. */
  print(line) {
    this.#clear();
    this.#out.write(`${line}\n`);
    this.#draw();
  }

  #tick() {
    if (this.#tty) {
      this.#frame += 1;
      this.#clear();
      this.#draw();
      return;
    }
    for (const step of this.#active.values()) {
      if (Date.now() - step.said < HEARTBEAT_MS) continue;
      step.said = Date.now();
      this.#out.write(`  … ${step.title}: ${step.detail || 'still at it'} (${seconds(Date.now() - step.from)})\n`);
    }
  }

  #clear() {
    if (!this.#tty || this.#drawn === 0) return;
    this.#out.write(`\x1b[${this.#drawn}A\x1b[0J`);
    this.#drawn = 0;
  }

  #draw() {
    if (!this.#tty) return;
    const width = (this.#out.columns ?? 80) - 1;
    for (const step of this.#active.values()) {
      const text = `${FRAMES[this.#frame % FRAMES.length]} ${step.title}${step.detail ? `: ${step.detail}` : ''} (${seconds(Date.now() - step.from)})`;
      this.#out.write(`${text.length > width ? `${text.slice(0, width - 1)}…` : text}\n`);
      this.#drawn += 1;
    }
  }
}

/** @param {number} ms @returns {string} seconds with one decimal under ten, else whole */
export function seconds(ms) {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}
