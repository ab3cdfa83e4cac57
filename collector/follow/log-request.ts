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
 * How an answer ended. closed: in order, `tail` is what came after the last newline. broken: the connection went.
 * refused: there was no answer with status 200.
 */
export type LogEnd =
  | { type: "closed"; tail: Buffer; begun: boolean }
  | { type: "broken"; error: unknown }
  | { type: "refused"; error: KubernetesError };

/**
 * Reads one answer of the log endpoint to its end, handing on what it holds. `consume` may ask it to wait. */
export async function readLog(
  client: KubernetesClient,
  run: ContainerRun,
  request: LogRequest,
  consume: (parsed: Parsed) => Promise<void> | void,
  signal: AbortSignal,
): Promise<LogEnd> {
  const parser = new LineParser();
  const path = `/api/v1/namespaces/${encodeURIComponent(run.namespace)}/pods/${encodeURIComponent(run.pod)}/log`;
  const query = {
    container: run.container,
    timestamps: true,
    ...(request.follow && { follow: true }),
    ...(request.previous && { previous: true }),
    sinceTime: request.since,
  };
  let body: AsyncIterable<Buffer>;
  try {
    body = await client.open(path, query, signal);
  } catch (error) {
    return error instanceof KubernetesError ? { type: "refused", error } : { type: "broken", error };
  }
  let consuming = false;
  try {
    for await (const bytes of body) {
      consuming = true;
      for (const parsed of parser.push(bytes)) await consume(parsed);
      consuming = false;
    }
    return { type: "closed", ...parser.end() };
  } catch (error) {
    // What the consumer throws is not the connection's fault.
    if (consuming) throw error;
    return { type: "broken", error };
  }
}
