// The event stream: one EventSource, opened again by us after every failure, with a watchdog for silence.
//
// It is live once it has delivered a snapshot, not when it is merely open, and lost when it has not been live for
// three seconds. Listeners for a kind of event are added with `on` by whoever shows it.

/** @typedef {"connecting" | "live" | "lost"} StreamState */

export const LOST_AFTER_MS = 3000;
/** Silence after which the stream is opened again: a half-open connection gives no error. */
export const SILENCE_MS = 20_000;
const BACKOFF_MS = [250, 500, 1000, 2000];

export class Stream {
  /**
   * @param {string} url
   * @param {{now?: () => number, open?: (url: string) => EventSource, onFailure?: () => void}} [parts] `now` in ms,
   *   monotonic; `onFailure` is called at each failure (to find out that the session has ended)
   */
  constructor(url, { now = () => performance.now(), open = (one) => new EventSource(one), onFailure } = {}) {
    this.url = url;
    this.now = now;
    this.open = open;
    this.onFailure = onFailure;
    /** @type {Map<string, ((data: any) => void)[]>} */
    this.handlers = new Map([
      ["snapshot", [() => this.enter("live")]],
      ["resync", [() => this.renew()]],
    ]);
    /** @type {((state: StreamState) => void)[]} */
    this.watchers = [];
    /** @type {StreamState} */
    this.state = "connecting";
    this.notLiveSince = now();
    this.lastEvent = now();
    this.failures = 0;
    /** @type {EventSource | null} */
    this.source = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /**
   * @param {string} kind name of the event
   * @param {(data: any) => void} handler given the parsed JSON
   */
  on(kind, handler) {
    const handlers = this.handlers.get(kind);
    if (handlers) handlers.push(handler);
    else {
      this.handlers.set(kind, [handler]);
      if (this.source) this.listen(this.source, kind);
    }
  }

  /** @param {(state: StreamState) => void} watcher */
  watch(watcher) {
    this.watchers.push(watcher);
  }

  /** How long the stream has not been live, ms; 0 while it is. */
  get downMs() {
    return this.state === "live" ? 0 : this.now() - this.notLiveSince;
  }

  start() {
    this.stop();
    const source = this.open(this.url);
    this.source = source;
    this.lastEvent = this.now();
    source.onerror = () => this.fail(source);
    for (const kind of this.handlers.keys()) this.listen(source, kind);
  }

  stop() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  /** To be called every second or so. */
  tick() {
    if (this.source && this.now() - this.lastEvent > SILENCE_MS) {
      this.leave();
      this.start();
    }
    if (this.state === "connecting" && this.downMs > LOST_AFTER_MS) this.enter("lost");
  }

  /**
   * @param {EventSource} source
   * @param {string} kind
   */
  listen(source, kind) {
    source.addEventListener(kind, (event) => {
      if (source !== this.source) return;
      this.lastEvent = this.now();
      let data;
      try {
        data = JSON.parse(event.data || "null");
      } catch {
        // An event that cannot be read makes all we show doubtful: start afresh.
        this.fail(source);
        return;
      }
      for (const handler of this.handlers.get(kind) ?? []) handler(data);
    });
  }

  /** @param {EventSource} source */
  fail(source) {
    if (source !== this.source) return;
    this.leave();
    this.reopen(BACKOFF_MS[Math.min(this.failures, BACKOFF_MS.length - 1)]);
    this.failures += 1;
    this.onFailure?.();
  }

  /** The server has dropped events of ours: only a new snapshot is the truth. */
  renew() {
    this.leave();
    this.reopen(BACKOFF_MS[0]);
  }

  /** @param {number} delayMs */
  reopen(delayMs) {
    this.stop();
    this.timer = setTimeout(() => this.start(), delayMs);
  }

  leave() {
    if (this.state !== "live") return;
    this.notLiveSince = this.now();
    this.enter("connecting");
  }

  /** @param {StreamState} state */
  enter(state) {
    if (state === "live") this.failures = 0;
    if (state === this.state) return;
    this.state = state;
    for (const watcher of this.watchers) watcher(state);
  }
}
