import type { Hono } from "hono";

export type ReadEvent = { event: string; data: string; id?: string };

/** Reads server-sent events as a browser does, and remembers what it would remember. */
export class EventReader {
  readonly status: number;
  readonly headers: Headers;
  /** Heartbeats, and `retry` fields. */
  readonly comments: string[] = [];
  retry: number | undefined;
  lastEventId: string | undefined;
  readonly #response: Response;
  readonly #events: AsyncGenerator<ReadEvent>;
  readonly #gone: AbortController;

  private constructor(response: Response, gone: AbortController) {
    this.#response = response;
    this.status = response.status;
    this.headers = response.headers;
    this.#gone = gone;
    this.#events = this.#read(response);
  }

  static async open(app: Hono, path: string, headers: Record<string, string> = {}): Promise<EventReader> {
    const gone = new AbortController();
    const request = new Request(`http://localhost${path}`, {
      headers: { Accept: "text/event-stream", ...headers },
      signal: gone.signal,
    });
    return new EventReader(await app.request(request), gone);
  }

  /** undefined at the end of the stream. */
  async next(): Promise<ReadEvent | undefined> {
    const { value, done } = await this.#events.next();
    return done ? undefined : value;
  }

  /** The next event of a kind; what comes before it is passed over. */
  async nextOf(kind: string): Promise<ReadEvent> {
    for (;;) {
      const event = await this.next();
      if (!event) throw new Error(`the stream ended before an event ${kind}`);
      if (event.event === kind) return event;
    }
  }

  /** Every event until the stream ends. */
  async rest(): Promise<ReadEvent[]> {
    const events: ReadEvent[] = [];
    for (let event = await this.next(); event; event = await this.next()) events.push(event);
    return events;
  }

  text(): Promise<string> {
    return this.#response.text();
  }

  /** Goes away as a closed tab does. */
  leave(): void {
    this.#gone.abort();
  }

  async *#read(response: Response): AsyncGenerator<ReadEvent> {
    let rest = "";
    for await (const text of (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + text).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = this.#parse(block);
        if (event) yield event;
      }
    }
  }

  #parse(block: string): ReadEvent | undefined {
    const fields = block.split("\n").map((line) => /^([^:]*):? ?(.*)$/s.exec(line)?.slice(1) as [string, string]);
    const all = (name: string) => fields.flatMap(([field, value]) => (field === name ? [value] : []));
    this.comments.push(...all(""));
    if (all("retry")[0]) this.retry = Number(all("retry")[0]);
    const id = all("id")[0];
    if (id !== undefined) this.lastEventId = id;
    if (all("data").length === 0) return undefined;
    return { event: all("event")[0] ?? "message", data: all("data").join("\n"), ...(id !== undefined && { id }) };
  }
}

/** The numbers of the rows in an event's data. */
export const rowsOf = (html: string): number[] => html.match(/(?<=id="L)\d+/g)?.map(Number) ?? [];
