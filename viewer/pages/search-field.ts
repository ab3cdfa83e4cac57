import type { Tally } from "../grep/tally.ts";
import { unreadableWords } from "../grep/text.ts";
import type { GrepQuery } from "../run-query.ts";
import { count } from "../time.ts";
import { type Html, html } from "./html.ts";

/** What is looked for in a log, and what is known of it. */
export type SearchState = { grep: GrepQuery; tally: Tally };

/** The field in a log's tools. `allSteps`: where the same is looked for in the whole run. */
export function searchField(search: SearchState | undefined, allSteps: string): Html {
  const { grep, regex, case: isCaseSensitive } = search?.grep.values ?? {};
  // The first button is the one that Enter presses.
  return html`<div class="search"><button class="vh">Search</button><label class="vh" for="grep">Search this log</label><input id="grep" type="search" name="grep" value="${grep}" maxlength="500" placeholder="Search the whole log">${search && html`<output for="grep">${place(search)}</output>${steppers(search.tally)}`}</div>
<label class="tog" title="Regular expression"><input type="checkbox" name="regex" value="true"${regex && html` checked`}> Regex</label>
<label class="tog" title="Else only capital letters are told apart from small ones"><input type="checkbox" name="case" value="true"${isCaseSensitive === "true" && html` checked`}> Case</label>
${search && html`<a href="${allSteps}">All steps</a>`}`;
}

/** Leads to the hit: without script a page begins at its head. */
function place(search: SearchState): Html | string {
  const { focus } = search.tally;
  return focus ? html`<a href="#L${focus.line}">${countWords(search)}</a>` : countWords(search);
}

/** `4 of 7`; while not all is searched, what is known so far. */
export function countWords({ tally }: Pick<SearchState, "tally">): string {
  const { count: hits, isDone, focus } = tally;
  const known = hits === 0 && isDone ? "no hits" : `${count(hits)}${isDone ? "" : " so far"}`;
  return focus ? `${count(focus.hit)} of ${known}` : known;
}

/** From the last hit to the first and back, once it is known which is the last. */
function steppers({ count: hits, isDone, focus }: Tally): Html | undefined {
  if (!focus) return undefined;
  const { hit } = focus;
  const before = hit > 1 ? hit - 1 : isDone ? hits : undefined;
  const after = hit < hits || !isDone ? hit + 1 : 1;
  return html`${before !== undefined && html`<button class="icb" name="hit" value="${before}" aria-label="Previous hit">↑</button>`}<button class="icb" name="hit" value="${after}" aria-label="Next hit">↓</button>`;
}

/** What the number alone would hide. */
export function searchNotes(search: SearchState | undefined): Html | undefined {
  if (!search) return undefined;
  const { grep, tally } = search;
  const { isDone, searched, focus, unreadable, count: hits } = tally;
  const missing = !isDone && !focus && grep.hit !== undefined;
  return html`${
    !isDone &&
    html`<p class="note">The log is long: ${count(searched)} lines were searched in the time that a page has, and have ${count(hits)} hits.${missing && ` Hit ${count(grep.hit ?? 0)} is not among them.`}</p>
`
  }${unreadable.map(
    (part) => html`<p class="note">${sentence(unreadableWords(part))}.</p>
`,
  )}`;
}

const sentence = (words: string): string => words.charAt(0).toUpperCase() + words.slice(1);
