import { Storage } from "@google-cloud/storage";
import { answerTimeoutMs, kindOfStatus } from "./http-failure.ts";
import { StorageError } from "./store.ts";

export type GcsRequestInit = {
  method?: "GET" | "POST" | "DELETE";
  query?: Record<string, string | undefined>;
  headers?: Record<string, string>;
  body?: Buffer;
  signal?: AbortSignal;
  /** Give the response as soon as it begins. Otherwise its body has arrived, and is a small one. */
  stream?: boolean;
};
/** @throws GcsFailure for every status that is not one of success */
export type GcsRequest = (path: string, init: GcsRequestInit) => Promise<Response>;

/** An answer that says no. */
export class GcsFailure extends Error {
  override readonly name = "GcsFailure";
  readonly status: number;

  constructor(status: number, message: string) {
    super(`${message} (HTTP ${status})`);
    this.status = status;
  }
}

/**
 * Single requests to the JSON API, with the credentials that Google's library finds (workload identity, the metadata
 * server, GOOGLE_APPLICATION_CREDENTIALS). The library's own verbs are not used: they take no AbortSignal and no
 * timeout, and destroying one of its read streams destroys the sockets of all others (version 8.4.0, File's
 * createReadStream, `request.agent.destroy()`).
 */
export function gcsRequests(endpoint = "https://storage.googleapis.com"): GcsRequest {
  const base = endpoint.replace(/\/+$/, "");
  const credentials = base.startsWith("http://") ? undefined : new Storage().authClient;

  async function authorization(url: string, signal: AbortSignal): Promise<Headers> {
    if (!credentials) return new Headers();
    return await abortable(credentials.getRequestHeaders(url).catch(refuseCredentials), signal);
  }

  return async (path, { method = "GET", query = {}, headers = {}, body, signal, stream = false }) => {
    const url = `${base}${path}?${new URLSearchParams(definedOnly(query))}`;
    const answer = new AbortController();
    const onAbort = () => answer.abort(signal?.reason);
    const timeout = setTimeout(() => answer.abort(new Error(`no answer for ${answerTimeoutMs} ms`)), answerTimeoutMs);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const allHeaders = await authorization(url, answer.signal);
      for (const [name, value] of Object.entries(headers)) allHeaders.set(name, value);
      const response = await fetch(url, { method, headers: allHeaders, body, signal: answer.signal });
      if (!response.ok) throw new GcsFailure(response.status, messageOf(await response.text(), response.statusText));
      return stream ? response : new Response(await response.text(), response);
    } finally {
      clearTimeout(timeout);
      signal?.removeEventListener("abort", onAbort);
    }
  };
}

/** Errors come as JSON, XML or text, by the request. */
function messageOf(body: string, statusText: string): string {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: string } };
    if (error?.message) return error.message;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return /<Message>(.*?)<\/Message>/s.exec(body)?.[1] ?? (body.trim().slice(0, 500) || statusText);
}

function refuseCredentials(cause: Error & { status?: number; code?: string }): never {
  const { status, code } = cause;
  const isNetworkFailure = status === undefined && code !== undefined && code !== "ENOENT" && code !== "EACCES";
  if (isNetworkFailure || (status !== undefined && kindOfStatus(status) === "unavailable")) throw cause;
  const message =
    `Google Cloud credentials cannot be used: ${cause.message} ` +
    "Give the pod workload identity, or set GOOGLE_APPLICATION_CREDENTIALS to the file of a key.";
  throw new StorageError("denied", message, { cause });
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

const definedOnly = (query: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined));
