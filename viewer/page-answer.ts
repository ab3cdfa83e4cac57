import { transcode } from "node:buffer";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Html } from "./pages/html.ts";

const gzipped = promisify(gzip);

/** An encoding with a weight is for hono's own middleware to judge. */
const TAKES_GZIP = /(?:^|,)\s*gzip\s*(?:,|$)/i;

/**
 * Answers with a page or a part of one, compressed in one go: it is whole in memory, and to pass it through web streams,
 * as hono's `compress` does with what it meets, costs more than to compress it.
 */
export async function pageAnswer(c: Context, page: Html, status: ContentfulStatusCode = 200): Promise<Response> {
  // A plain string, which the server sends as it is; from hono's own it would make a stream, too.
  return takesPacked(c) ? packedAnswer(c, await packPage(page), status) : c.html(page.toString(), status);
}

export const takesPacked = (c: Context): boolean =>
  c.req.method !== "HEAD" && TAKES_GZIP.test(c.req.header("Accept-Encoding") ?? "");

export const packPage = async (page: Html): Promise<Uint8Array<ArrayBuffer>> =>
  new Uint8Array(await gzipped(bytesOf(page.toString())));

/** Answers with what packPage() made of a page. */
export function packedAnswer(
  c: Context,
  packed: Uint8Array<ArrayBuffer>,
  status: ContentfulStatusCode = 200,
): Response {
  c.header("Content-Type", "text/html; charset=UTF-8");
  c.header("Content-Encoding", "gzip");
  c.header("Vary", "Accept-Encoding", { append: true });
  return c.body(packed, status);
}

/** UTF-8. By way of UTF-16, as V8 has it, it takes a quarter of the time; that way half a character is an error. */
const bytesOf = (text: string): Uint8Array =>
  text.isWellFormed() ? transcode(Buffer.from(text, "utf16le"), "utf16le", "utf8") : Buffer.from(text);
