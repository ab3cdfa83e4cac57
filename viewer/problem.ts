import { ArchiveError } from "../archive/error.ts";
import { StorageError } from "../storage-adapters/store.ts";

export type ProblemStatus = 400 | 404 | 405 | 410 | 416 | 500 | 502 | 503;
export type Link = { href: string; text: string; before?: string; after?: string };

/** Why an address has no page: said in words, with a way on. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: ProblemStatus;
  readonly title: string;
  readonly links: readonly Link[];

  constructor(
    status: ProblemStatus,
    title: string,
    words: string,
    options: { links?: readonly Link[]; cause?: unknown } = {},
  ) {
    super(words, { cause: options.cause });
    this.status = status;
    this.title = title;
    this.links = options.links ?? [];
  }
}

export const badRequest = (words: string): Problem => new Problem(400, "This address cannot be understood", words);

/** What a failure means for a reader. Never carries a stack, a credential or an internal message of an SDK. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof ArchiveError) return archiveProblem(error);
  if (error instanceof StorageError) return storageProblem(error);
  if (error instanceof Error && error.name === "TimeoutError") return unavailable(error);
  return new Problem(
    500,
    "This page could not be made",
    "Something went wrong in Afterlog itself; the operators find it in the viewer's log.",
    { cause: error },
  );
}

function archiveProblem(error: ArchiveError): Problem {
  const title =
    error.kind === "future" ? "A newer Afterlog wrote this" : "The archive holds something that cannot be read";
  return new Problem(502, title, `${error.message}.`, { cause: error });
}

const unavailable = (cause: unknown): Problem =>
  new Problem(
    503,
    "The archive cannot be read at the moment",
    "The storage does not answer. What is archived is not lost: try again in a minute.",
    { cause, links: [{ before: "See ", href: "/readyz", text: "the state of the archive" }] },
  );

function storageProblem(error: StorageError): Problem {
  switch (error.kind) {
    case "unavailable":
      return unavailable(error);
    case "denied":
      return new Problem(
        502,
        "The archive refuses to be read",
        "The storage did not accept the viewer's credentials, or does not let it read this.",
        { cause: error },
      );
    case "not-found":
      return new Problem(
        502,
        "A part of this log is missing from the storage",
        "The record names an object that is not there: it was deleted from outside, or the bucket is another one.",
        { cause: error },
      );
    default:
      return new Problem(502, "The storage did not understand the viewer", "It refused a request as invalid.", {
        cause: error,
      });
  }
}
