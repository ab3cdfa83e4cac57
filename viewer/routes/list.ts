import type { Context } from "hono";
import { listJson, listText } from "../list-text.ts";
import { type Format, NEGOTIATED, preferredFormat } from "../negotiation.ts";
import { pageAnswer } from "../page-answer.ts";
import { type ListOptions, listPage } from "../pages/list.ts";

/** A list in the client's format. */
export function answerList(c: Context, format: Format | undefined, options: ListOptions): Response | Promise<Response> {
  const { site, runs, path, params } = options;
  c.header("Cache-Control", "no-cache");
  if (!format) c.header("Vary", NEGOTIATED);
  switch (format ?? preferredFormat(c)) {
    case "json":
      return c.json(listJson(site, runs, path, params));
    case "text":
      return c.text(listText(site, runs, path, params));
    case "html":
      return pageAnswer(c, listPage(options));
  }
}
