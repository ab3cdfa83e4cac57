/** A timer that is looked at: `due` from when it goes off until it is started again or stopped. */
export class Alarm {
  readonly #ms: number;
  readonly #onDue: () => void;
  #timer: NodeJS.Timeout | undefined;
  #due = false;

  constructor(ms: number, onDue: () => void) {
    this.#ms = ms;
    this.#onDue = onDue;
  }

  get due(): boolean {
    return this.#due;
  }

  /** Waits from now on, whether it was waiting before or not. */
  restart(ms = this.#ms): void {
    this.#due = false;
    if (this.#timer && ms === this.#ms) {
      this.#timer.refresh();
      return;
    }
    this.stop();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#due = true;
      this.#onDue();
    }, ms);
  }

  /** Goes on waiting, or begins to. */
  start(): void {
    if (!this.#timer && !this.#due) this.restart();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = false;
  }
}
