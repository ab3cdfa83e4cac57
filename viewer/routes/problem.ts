import type { Context } from "hono";
import { formatOfRequest } from "../negotiation.ts";
import { pageAnswer } from "../page-answer.ts";
import { problemPage } from "../pages/problem.ts";
import type { Problem } from "../problem.ts";
import type { Site } from "../site.ts";

/** Says in the client's format why there is nothing else to say. */
export function problemAnswer(c: Context, site: Site, problem: Problem): Response | Promise<Response> {
  // A reader who went away ends what was read for him; that is no failure.
  if (problem.status >= 500 && !c.req.raw.signal.aborted)
    site.logger.error({ err: problem.cause, path: c.req.path }, problem.title);
  c.header("Cache-Control", "no-store");
  if (problem.status === 503) c.header("Retry-After", "10");
  // Answers to /logs/ are for Tekton's Dashboard, which fails on anything but text.
  const format = c.req.path.startsWith("/logs/") ? "text" : formatOfRequest(c);
  const { status, title, message, links } = problem;
  if (format === "json") return c.json({ error: { status, title, message } }, status);
  if (format === "text") {
    const ways = links.map(
      ({ href, text, before = "", after = "" }) => `${before}${text}${after}  ${site.url ?? ""}${href}\n`,
    );
    return c.text(`${status} ${title}\n${message}\n${ways.join("")}`, status);
  }
  return pageAnswer(c, problemPage(site, problem), status);
}
