import type { Finding, Findings } from "../../archive/findings.ts";
import { count } from "../time.ts";
import type { LineRange } from "../window.ts";
import { type Html, html } from "./html.ts";

/** The finding that a page points to: one on the marked lines, else the leading one. */
export function focusOf(found: Findings | undefined, mark: LineRange | undefined): Finding | undefined {
  const isMarked = ({ line }: Finding) => mark !== undefined && mark.from <= line && line <= mark.to;
  const isLeading = ({ line }: Finding) => line === found?.leading?.line;
  return found?.findings.find(isMarked) ?? found?.findings.find(isLeading);
}

/** One finding in a line, with the ways to the others. @param focus one of them */
export function findingStrip(
  { findings, total }: Findings,
  focus: Finding,
  linkTo: (finding: Finding) => string,
): Html {
  const at = findings.indexOf(focus);
  const step = (finding: Finding | undefined, rel: "prev" | "next", sign: string, label: string) =>
    finding &&
    html`<a class="btn icb" rel="${rel}" href="${linkTo(finding)}" aria-label="${label} finding">${sign}</a>`;
  const best = total > findings.length && html`, best of ${count(total)}`;
  return html`<nav class="finds" aria-label="Findings"><b class="bad">Finding ${at + 1} of ${findings.length}</b><a class="fx" href="${linkTo(focus)}"><code>${focus.excerpt}</code></a><span class="nw mut hide-s">line ${count(focus.line)}${best}</span>${step(findings[at - 1], "prev", "‹", "Previous")}${step(findings[at + 1], "next", "›", "Next")}</nav>
`;
}
