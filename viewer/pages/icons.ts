import type { Status } from "../../archive/record.ts";
import { type Html, html } from "./html.ts";

/** Every icon there is, once in a page; `<use>` draws them. */
export const sprite: Html = html`<svg width="0" height="0" class="vh" aria-hidden="true" focusable="false"><defs>
<symbol id="i-ok" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.4"/><path d="m5.2 8.2 2 2 3.7-4.2"/></symbol>
<symbol id="i-bad" viewBox="0 0 16 16"><circle class="fl" cx="8" cy="8" r="7.2"/><path class="kn" d="m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8"/></symbol>
<symbol id="i-late" viewBox="0 0 16 16"><circle class="fl" cx="8" cy="8" r="7.2"/><path class="kn" d="M8 4.2V8l2.6 1.9"/></symbol>
<symbol id="i-run" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.4" stroke-dasharray="3 2.7"/><circle class="fl" cx="8" cy="8" r="2.6"/></symbol>
<symbol id="i-wait" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.4"/><path d="M8 4.6V8l2.2 1.6"/></symbol>
<symbol id="i-skip" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.4" stroke-dasharray="2 2.02"/><path d="M5.2 8h5.6"/></symbol>
<symbol id="i-stop" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.4"/><path class="fl" d="M5.6 5.6h4.8v4.8H5.6z"/></symbol>
<symbol id="i-what" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.4"/><path d="M6.1 6.4a1.9 1.9 0 1 1 2.6 1.8c-.5.2-.7.5-.7 1v.2m0 2v.1"/></symbol>
<symbol id="i-gap" viewBox="0 0 16 16"><path d="M8 1.9 14.6 13.6H1.4zM8 6.3v3.2m0 1.9v.1"/></symbol>
</defs></svg>`;

/** What a status, or a condition of a log, looks like and is called. */
export type Look = { icon: string; tone: "ok" | "bad" | "warn" | "run" | "off"; word: string };

const LOOKS: Record<Status | "skipped", Look> = {
  waiting: { icon: "wait", tone: "off", word: "waiting" },
  running: { icon: "run", tone: "run", word: "running" },
  succeeded: { icon: "ok", tone: "ok", word: "succeeded" },
  failed: { icon: "bad", tone: "bad", word: "failed" },
  cancelled: { icon: "stop", tone: "off", word: "cancelled" },
  "timed-out": { icon: "late", tone: "bad", word: "timed out" },
  unknown: { icon: "what", tone: "off", word: "unknown" },
  skipped: { icon: "skip", tone: "off", word: "skipped" },
};

/** A failure that did not count is amber, and says so. */
export function lookOf(status: Status | "skipped", ignored = false): Look {
  const look = LOOKS[status];
  return ignored && look.tone === "bad" ? { ...look, tone: "warn", word: `${look.word}, ignored` } : look;
}

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Beside text that says the same. */
export const icon = (look: Pick<Look, "icon" | "tone">): Html =>
  html`<svg class="ic ${look.tone}" aria-hidden="true"><use href="#i-${look.icon}"/></svg>`;

/** Where nothing else says it. */
export const spokenIcon = (look: Look): Html =>
  html`<svg class="ic ${look.tone}" role="img" aria-label="${look.word}"><use href="#i-${look.icon}"/></svg>`;

/** Icon and word. */
export const badge = (look: Look, words = capital(look.word)): Html =>
  html`<span class="st ${look.tone}"><svg class="ic" aria-hidden="true"><use href="#i-${look.icon}"/></svg>${words}</span>`;
