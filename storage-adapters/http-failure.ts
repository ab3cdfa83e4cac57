import type { StorageErrorKind } from "./store.ts";

/** How long a request may take until its answer begins, the sending of its body included. */
export const answerTimeoutMs = 60_000;
/** The longest wait for the next bytes of an object. */
export const idleTimeoutMs = 30_000;

/** 409 is a race that the store did not decide; 412 is one that it did. */
export function kindOfStatus(status: number): StorageErrorKind {
  if (status === 401 || status === 403) return "denied";
  if (status === 404) return "not-found";
  if (status === 412) return "conflict";
  if (status === 408 || status === 409 || status === 429 || status >= 500) return "unavailable";
  return "invalid";
}

/** Network errors hide what happened in causes and in lists of attempts, one per address. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  const own = error.message || code || error.name;
  if (error instanceof AggregateError) return [own, ...error.errors.map(reasonOf)].join("; ");
  return error.cause === undefined ? own : `${own}: ${reasonOf(error.cause)}`;
}
