import type { MiddlewareHandler } from "hono";
import { badRequest, Problem } from "./problem.ts";

/** Longest path and query that any address of Afterlog can have, with room for a pasted search. */
const MAX_PATH = 1_024;
const MAX_VALUE = 512;

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Requests that no address can be are refused before anything is done for them. */
export const refuse: MiddlewareHandler = async (c, next) => {
  if (c.req.method !== "GET" && c.req.method !== "HEAD") {
    c.header("Allow", "GET, HEAD");
    throw new Problem(
      405,
      "Nothing can be changed here",
      "Afterlog only shows what is archived: ask with GET or HEAD.",
    );
  }
  const { pathname, searchParams } = new URL(c.req.url);
  if (pathname.length > MAX_PATH) throw badRequest("It is longer than any address of Afterlog.");
  for (const [name, value] of searchParams) {
    if (name.length + value.length > MAX_VALUE)
      throw badRequest(
        `The value of ${name.slice(0, 40)} is longer than the ${MAX_VALUE} characters that Afterlog takes.`,
      );
  }
  await next();
};

/**
 * Nothing that a log contains can run in a reader's browser, even if it got out unescaped: a page runs what Afterlog
 * serves and nothing else.
 */
export const protect: MiddlewareHandler = async (c, next) => {
  await next();
  // Not by c.header(): on an answer that is made it makes another, with the body in a stream.
  const { headers } = c.res;
  headers.set("X-Content-Type-Options", "nosniff");
  // The Dashboard copies the headers of a text to its own origin: only pages bring a policy.
  if (!headers.get("Content-Type")?.startsWith("text/html")) return;
  headers.set("Content-Security-Policy", POLICY);
  headers.set("Referrer-Policy", "same-origin");
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
};
