import { namespacePath } from "../address.ts";
import { type Html, html } from "./html.ts";

export type FilterOptions = {
  q?: string | undefined;
  status?: string | undefined;
  namespace?: string | undefined;
  /** To choose from; none = no choice. */
  namespaces: readonly string[];
  hasSearch: boolean;
};

const STATUSES = ["failed", "running", "succeeded"];

/** The controls above a list. */
export function filters({ q, status, namespace, namespaces, hasSearch }: FilterOptions): Html {
  const chip = (value: string, text: string) =>
    html`<label><input type="radio" name="status" value="${value}"${(status ?? "") === value && html` checked`}>${text}</label>`;
  const option = (value: string) => html`<option${value === namespace && html` selected`}>${value}</option>`;
  return html`<form class="filters" method="get" role="search" aria-label="Runs">
${
  hasSearch &&
  html`<label class="fld grow">Search<input type="search" name="q" value="${q}" maxlength="500" placeholder="Run, pull request, commit, or words of what happened"></label>
`
}<fieldset class="chips"><legend class="vh">Status</legend>${chip("", "All")}${STATUSES.map((value) => chip(value, value.charAt(0).toUpperCase() + value.slice(1)))}</fieldset>
${
  namespaces.length > 1 &&
  html`<label class="fld">Namespace<select name="namespace"><option value="">All</option>${namespaces.map(option)}</select></label>
`
}<button>Show</button></form>`;
}

export const namespaceList = (namespaces: readonly string[]): Html =>
  html`<aside aria-labelledby="ns"><h2 id="ns">Namespaces</h2><ul class="ns">${namespaces.map(
    (namespace) => html`<li><a href="${namespacePath(namespace)}">${namespace}</a></li>`,
  )}</ul></aside>`;

export const nothingArchived = (namespaces: readonly string[] | "*"): Html =>
  html`<div class="empty"><h2>No run has been archived yet</h2><p class="mut">${
    namespaces === "*" ? "Every namespace is shown." : `Shown are ${namespaces.join(", ")}.`
  } The first run appears here the moment it starts.</p></div>`;

export const nothingMatches = (words: string): Html =>
  html`<div class="empty"><h2>No run ${words}</h2><p><a href="/">All runs</a> · <a href="/?status=failed">Failed runs</a></p></div>`;
