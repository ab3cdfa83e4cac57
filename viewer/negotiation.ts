import type { Context } from "hono";
import { accepts } from "hono/accepts";

/** One address, three faces. */
export const FORMATS = ["html", "text", "json"] as const;
export type Format = (typeof FORMATS)[number];

const SUFFIX = /\.(txt|json)$/;
const FORMAT_OF: Record<string, Format> = {
  ".txt": "text",
  ".json": "json",
  "text/html": "html",
  "text/plain": "text",
  "application/json": "json",
};
/** Programs that people type into a terminal: they say `Accept: *` and mean text. */
const TEXT_AGENTS = /^(curl|wget|httpie|python-requests)\//i;

/** `name.txt` → `name` and text. What has no such suffix keeps its name and no format. */
export function splitSuffix(value: string): { bare: string; format?: Format } {
  const suffix = SUFFIX.exec(value)?.[0];
  const format = suffix && FORMAT_OF[suffix];
  return suffix && format ? { bare: value.slice(0, -suffix.length), format } : { bare: value };
}

/** What the client would like, told from Accept and, where that says nothing, from its name. */
export function preferredFormat(c: Context): Format {
  const type = accepts(c, {
    header: "Accept",
    supports: ["text/html", "text/plain", "application/json"],
    default: "*/*",
  });
  const asked = FORMAT_OF[type];
  if (asked) return asked;
  return TEXT_AGENTS.test(c.req.header("User-Agent") ?? "") ? "text" : "html";
}

/** As `format=` names it; undefined for any other word. */
export const namedFormat = (text: string | undefined): Format | undefined => FORMATS.find((format) => format === text);

/** The format of the whole request, for answers that do not depend on the address: errors. */
export const formatOfRequest = (c: Context): Format =>
  namedFormat(c.req.query("format")) ?? splitSuffix(c.req.path).format ?? preferredFormat(c);

/** What a cache must compare where the address alone does not decide. */
export const NEGOTIATED = "Accept, User-Agent";
