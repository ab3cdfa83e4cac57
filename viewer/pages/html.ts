import { raw } from "hono/html";
import { escapeToBuffer, type HtmlEscapedString } from "hono/utils/html";

/** Escaped markup. */
export type Html = HtmlEscapedString;

/**
 * Escapes every value but markup, as hono's template of this name does. Values are never promises here, and a page has
 * thousands: without looking for promises it takes a third of the time.
 */
export function html(strings: TemplateStringsArray, ...values: unknown[]): Html {
  let text = strings[0] as string;
  for (let i = 0; i < values.length; i++) text += markupOf(values[i]) + strings[i + 1];
  return raw(text);
}

function markupOf(value: unknown): string {
  if (typeof value === "string") return escaped(value);
  if (typeof value === "number") return String(value);
  if (value === undefined || value === null || typeof value === "boolean") return "";
  if (!Array.isArray(value)) return isMarkup(value) ? value.toString() : escaped(String(value));
  let text = "";
  for (const one of value) text += markupOf(one);
  return text;
}

const isMarkup = (value: object): value is Html => "isEscaped" in value && value.isEscaped === true;

/** Text as markup that shows it; attributes in quotation marks may have it, too. */
export function escaped(text: string): string {
  const buffer: [string] = [""];
  escapeToBuffer(text, buffer);
  return buffer[0];
}
