import { type KubernetesClient, KubernetesError } from "../kubernetes/client.ts";
import type { ContainerRun } from "./container-view.ts";
import { LineParser, type Parsed } from "./line-parser.ts";

export type LogRequest = {
  follow: boolean;
  previous: boolean;
  /** RFC 3339; Kubernetes cuts it to whole seconds and includes that second. */
  since: string | undefined;
};

/**
 * How an answer ended. closed: in order, `tail` is what came after the last newline, `begun` whether its beginning
 * was passed on. broken: the connection went. refused: there was no answer with status 200.
 */
export type StreamEnd =
  | { type: "closed"; tail: Buffer; begun: boolean }
  | { type: "broken"; error: unknown }
  | { type: "refused"; error: KubernetesError };

/** One answer of the log endpoint. It is read no faster than asked for. */
export class LogStream {
  readonly #body: AsyncIterator<Buffer> | undefined;
  readonly #stop: AbortController;
  readonly #parser = new LineParser();
  #peeked: Promise<Parsed[] | undefined> | undefined;
  #end: StreamEnd | undefined;

  private constructor(stop: AbortController, body: AsyncIterable<Buffer> | undefined, end?: StreamEnd) {
    this.#stop = stop;
    this.#body = body?.[Symbol.asyncIterator]();
    this.#end = end;
  }

  /** Never rejects: a request that fails is a stream that has ended. */
  static async open(
    client: KubernetesClient,
    run: ContainerRun,
    { follow, previous, since }: LogRequest,
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
      return new LogStream(stop, await client.open(path, query, AbortSignal.any([signal, stop.signal])));
    } catch (error) {
      const end: StreamEnd = error instanceof KubernetesError ? { type: "refused", error } : { type: "broken", error };
      return new LogStream(stop, undefined, end);
    }
  }

  /** How the answer ended, once next() has given undefined. */
  get end(): StreamEnd | undefined {
    return this.#end;
  }

  /** The next part; undefined when there is none. One call at a time. */
  next(): Promise<Parsed[] | undefined> {
    const peeked = this.#peeked;
    this.#peeked = undefined;
    return peeked ?? this.#read();
  }

  /** The next part, which next() will give again. */
  peek(): Promise<Parsed[] | undefined> {
    this.#peeked ??= this.#read();
    return this.#peeked;
  }

  /** Takes so many bytes from the beginning of the text that was peeked at. */
  leaveOut(bytes: number): void {
    this.#peeked = this.#peeked?.then((parsed) => {
      const first = parsed?.findIndex(({ type }) => type === "text");
      return parsed?.map((part, i) => (i === first ? { ...part, bytes: part.bytes.subarray(bytes) } : part));
    });
  }

  close(): void {
    this.#stop.abort();
  }

  async #read(): Promise<Parsed[] | undefined> {
    while (!this.#end && this.#body) {
      try {
        const { done, value } = await this.#body.next();
        if (done) this.#end = { type: "closed", ...this.#parser.end() };
        else {
          const parsed = this.#parser.push(value);
          if (parsed.length > 0) return parsed;
        }
      } catch (error) {
        this.#end = { type: "broken", error };
      }
    }
    return undefined;
  }
}
