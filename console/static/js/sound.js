// Tones per priority. A browser plays nothing before the person at the desk has pressed a button; until then, and
// whenever the browser stops playing, the health strip says that the sound is off.

/** Tone: frequency Hz, start s, length s. @type {Record<string, readonly (readonly [number, number, number])[]>} */
export const PATTERNS = {
  critical: [[880, 0, 0.16], [1175, 0.2, 0.16], [880, 0.4, 0.16], [1175, 0.6, 0.16]],
  high: [[660, 0, 0.22], [660, 0.4, 0.22]],
  medium: [[520, 0, 0.22]],
  low: [[440, 0, 0.12]],
  drill: [[330, 0, 0.5], [262, 0.6, 0.5]],
};
const LOUD = 0.25;
/** A context that does not start within this long will not. */
const START_MS = 2000;

export class Sound {
  /** @param {{make?: () => AudioContext}} [parts] */
  constructor({ make = () => new AudioContext() } = {}) {
    this.make = make;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {(() => void)[]} */
    this.watchers = [];
  }

  get on() {
    return this.context?.state === "running";
  }

  /** @param {() => void} watcher called when it went on or off */
  watch(watcher) {
    this.watchers.push(watcher);
  }

  /** To be called from a press of a button. Resolves to whether there is sound now. */
  async enable() {
    try {
      this.context ??= this.make();
      this.context.onstatechange = () => this.tell();
      let timer;
      const late = new Promise((resolve) => (timer = setTimeout(resolve, START_MS)));
      await Promise.race([this.context.resume(), late]);
      clearTimeout(timer);
    } catch {
      // No sound device, or forbidden: it stays off, and is said to be.
      this.context = null;
    }
    this.tell();
    return this.on;
  }

  disable() {
    void this.context?.close();
    this.context = null;
    this.tell();
  }

  /** @param {string} pattern a key of `PATTERNS` */
  play(pattern) {
    const { context } = this;
    if (!context || !this.on) return;
    for (const [frequency, start, length] of PATTERNS[pattern] ?? []) {
      const from = context.currentTime + start;
      const [tone, gain] = [context.createOscillator(), context.createGain()];
      tone.type = "triangle";
      tone.frequency.value = frequency;
      // Without ramps each tone begins and ends with a click.
      gain.gain.setValueAtTime(0, from);
      gain.gain.linearRampToValueAtTime(LOUD, from + 0.02);
      gain.gain.setValueAtTime(LOUD, from + length - 0.03);
      gain.gain.linearRampToValueAtTime(0, from + length);
      tone.connect(gain).connect(context.destination);
      tone.start(from);
      tone.stop(from + length);
    }
  }

  tell() {
    for (const one of this.watchers) one();
  }
}
