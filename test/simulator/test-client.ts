import { type IncomingMessage, request } from "node:http";
import type { ObjectMeta } from "./kubernetes-objects.ts";

/** A plain HTTP client for the simulator's own tests: it hides nothing of what arrives. */

export async function getText(url: string): Promise<{ status: number; body: string }> {
  const response = await fetch(url);
  return { status: response.status, body: await response.text() };
}

/** Whatever the tests look at in answers: an object, a list or a Status; each has some of it. */
export type Answer = {
  kind?: string;
  code: number;
  message: string;
  details: object;
  gitVersion: string;
  resources: object[];
  metadata: ObjectMeta & { continue: string; remainingItemCount: number };
  items: Answer[];
  spec: { params: object[] };
  status: {
    phase: string;
    completionTime: string;
    conditions: { reason: string }[];
    childReferences: { name: string }[];
    pipelineSpec: { tasks: { name: string }[] };
    skippedTasks: object[];
    steps: object[];
    sidecars: { terminated: { message: string } }[];
    retriesStatus: { retriesStatus?: object }[];
    containerStatuses: { name: string; state: object; lastState: object }[];
  };
};

export async function getJson(url: string, init?: RequestInit): Promise<Answer> {
  return (await (await fetch(url, init)).json()) as Answer;
}

export type OpenStream = {
  /** All text so far. */
  text(): string;
  /** Resolves when the text contains this. */
  until(part: string): Promise<void>;
  /** Resolves with all text when the body ends as it should; rejects when the connection breaks. */
  ended: Promise<string>;
  status: number;
  pause(): void;
  resume(): void;
  close(): void;
};

/** Opens a stream and resolves when its headers are there. */
export function openStream(url: string): Promise<OpenStream> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, (response) => resolve(collect(response, () => outgoing.destroy())));
    outgoing.on("error", reject);
    outgoing.end();
  });
}

function collect(response: IncomingMessage, close: () => void): OpenStream {
  let text = "";
  const waiting = new Set<() => void>();
  const ended = new Promise<string>((resolve, reject) => {
    response.on("end", () => resolve(text));
    response.on("error", reject);
  });
  // Whoever does not look at the end must not be killed by it.
  ended.catch(() => undefined);
  response.on("data", (part: Buffer) => {
    text += part.toString();
    for (const check of [...waiting]) check();
  });
  return {
    text: () => text,
    status: response.statusCode ?? 0,
    ended,
    until: (part) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!text.includes(part)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
        const tooEarly = (): void => reject(new Error(`the stream ended without ${JSON.stringify(part)}: ${text}`));
        ended.then(() => text.includes(part) || tooEarly(), tooEarly);
      }),
    pause: () => response.pause(),
    resume: () => response.resume(),
    close,
  };
}
