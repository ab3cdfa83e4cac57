import { html as template } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";

/** Escaped markup. */
export type Html = HtmlEscapedString;

/** Escapes every value but markup. No value is ever a promise here, so neither is the result. */
export const html = (strings: TemplateStringsArray, ...values: unknown[]): Html => template(strings, ...values) as Html;
