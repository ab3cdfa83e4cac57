import { setTimeout as sleep } from "node:timers/promises";
import { timeLength } from "../../archive/line.ts";
import { type KubernetesClient, KubernetesError } from "../kubernetes/client.ts";
import type { ContainerRun } from "./container-view.ts";
import { continued, LineParser, type Parsed } from "./line-parser.ts";
import { type Redact, redacted } from "./redaction.ts";

const LF = 0x0a;

export type LogRequest = {
  follow: boolean;
  previous: boolean;
  /** RFC 3339; Kubernetes cuts it to whole seconds and includes that second. */
  since: string | undefined;
  redact?: Redact | undefined;
};

/** A line that was cut where its file ended: what came behind the last newline. `begun`: more of it was passed on. */
export type CutLine = { tail: Buffer; begun: boolean };

/**
 * How an answer ended. closed: in order, `tail` is what came after the last newline, `begun` whether its beginning
 * was passed on. broken: the connection went. refused: there was no answer with status 200.
 */
export type StreamEnd =
  | ({ type: "closed" } & CutLine)
  | { type: "broken"; error: unknown }
  | { type: "refused"; error: KubernetesError };

/** One answer of the log endpoint. It is read no faster than asked for. */
export class LogStream {
  readonly #body: AsyncIterator<Buffer> | undefined;
  readonly #stop: AbortController;
  readonly #redact: Redact | undefined;
  readonly #parser = new LineParser();
  /** Looked at, and still to be given. */
  readonly #ahead: Promise<Parsed[] | undefined>[] = [];
  #end: StreamEnd | undefined;

  private constructor(
    stop: AbortController,
    { body, end, redact }: { body?: AsyncIterable<Buffer>; end?: StreamEnd; redact?: Redact | undefined },
  ) {
    this.#stop = stop;
    this.#body = body?.[Symbol.asyncIterator]();
    this.#end = end;
    this.#redact = redact;
  }

  /** Never rejects: a request that fails is a stream that has ended. */
  static async open(
    client: KubernetesClient,
    run: ContainerRun,
    { follow, previous, since, redact }: LogRequest,
    signal: AbortSignal,
  ): Promise<LogStream> {
    const stop = new AbortController();
    const path = `/api/v1/namespaces/${encodeURIComponent(run.namespace)}/pods/${encodeURIComponent(run.pod)}/log`;
    const query = {
      container: run.container,
      timestamps: true,
      ...(follow && { follow }),
      ...(previous && { previous }),
      sinceTime: since,
    };
    try {
      return new LogStream(stop, {
        body: await client.open(path, query, AbortSignal.any([signal, stop.signal])),
        redact,
      });
    } catch (error) {
      const end: StreamEnd = error instanceof KubernetesError ? { type: "refused", error } : { type: "broken", error };
      return new LogStream(stop, { end });
    }
  }

  /** How the answer ended, once next() has given undefined. */
  get end(): StreamEnd | undefined {
    return this.#end;
  }

  /** The next part; undefined when there is none. One call at a time. */
  next(): Promise<Parsed[] | undefined> {
    return this.#ahead.shift() ?? this.#read();
  }

  /**
   * The text that next() will give first: a line, and what comes behind it, if within `patienceMs`. kubelet may send a
   * line by itself. undefined if there is none.
   */
  async beginning(patienceMs: number | undefined): Promise<Buffer | undefined> {
    const first = this.#read();
    this.#ahead.push(first);
    const text = textOf(await first);
    // Whoever has begun to read it goes on reading.
    if (this.#ahead[0] !== first) return text;
    if (!text || this.#end || text.indexOf(LF) < text.byteLength - 1) return text;
    const second = this.#read();
    this.#ahead.push(second);
    const patience = patienceMs === undefined ? [] : [sleep(patienceMs, undefined, { ref: false })];
    const more = textOf(await Promise.race([second, ...patience]));
    return more ? Buffer.concat([text, more]) : text;
  }

  /** What there is of a line that has not ended. */
  cutLine(): CutLine | undefined {
    const { tail, begun } = this.#end?.type === "closed" ? this.#end : this.#cut();
    // Text without a time is kubelet's own.
    return begun || timeLength(tail, 0) > 0 ? { tail, begun } : undefined;
  }

  /** The first line that has been looked at is the end of this one: its own time is that of its end. */
  continueLine(cut: Buffer): void {
    this.#changeBeginning((text) => continued(cut, text));
  }

  /** Takes so many bytes from the beginning of the text that has been looked at. */
  leaveOut(bytes: number): void {
    this.#changeBeginning((text) => text.subarray(bytes));
  }

  #changeBeginning(change: (text: Buffer) => Buffer): void {
    const changed = this.#ahead.shift()?.then((parsed) => {
      const first = parsed?.findIndex(({ type }) => type === "text");
      return parsed?.map((part, i) => (i === first ? { ...part, bytes: change(part.bytes) } : part));
    });
    if (changed) this.#ahead.unshift(changed);
  }

  close(): void {
    this.#stop.abort();
  }

  #cut(): CutLine {
    const { tail, begun } = this.#parser.end();
    return { tail: redacted(tail, this.#redact), begun };
  }

  async #read(): Promise<Parsed[] | undefined> {
    while (!this.#end && this.#body) {
      try {
        const { done, value } = await this.#body.next();
        if (done) this.#end = { type: "closed", ...this.#cut() };
        else {
          const parsed = this.#parser.push(value);
          for (const part of parsed) part.bytes = redacted(part.bytes, this.#redact);
          if (parsed.length > 0) return parsed;
        }
      } catch (error) {
        this.#end = { type: "broken", error };
      }
    }
    return undefined;
  }
}

const textOf = (parsed: Parsed[] | undefined): Buffer | undefined => parsed?.find(({ type }) => type === "text")?.bytes;
