// A part that says nothing new for long hangs. How long it takes altogether is no sign: machines differ.

/** Lines that may repeat in turns: the heartbeats of what runs side by side. */
const REMEMBERED = 50;

/** Calls back once nothing new was said for `ms`. */
export class Silence {
  #ms;
  #onSilence;
  #timer;
  #said = [];

  /** @param {number} ms @param {() => void} onSilence */
  constructor(ms, onSilence) {
    this.#ms = ms;
    this.#onSilence = onSilence;
    this.#restart();
  }

  /** @param {string} line a heartbeat repeats itself but for its seconds, so it is no sign of life */
  heard(line) {
    const said = line.replace(/\(\d+(\.\d+)? m?s\)\s*$/, '').trim();
    if (said === '' || this.#said.includes(said)) return;
    this.#said = [...this.#said.slice(1 - REMEMBERED), said];
    this.#restart();
  }

  stop() {
    clearTimeout(this.#timer);
  }

  #restart() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#onSilence, this.#ms);
  }
}
