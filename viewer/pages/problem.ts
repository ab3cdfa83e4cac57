import type { Problem, ProblemStatus } from "../problem.ts";
import type { Site } from "../site.ts";
import { html } from "./html.ts";
import { page } from "./layout.ts";

const NAMES: Record<ProblemStatus, string> = {
  400: "Bad request",
  404: "Not found",
  405: "Method not allowed",
  410: "Gone",
  416: "No such bytes",
  500: "Internal error",
  502: "Bad gateway",
  503: "Service unavailable",
};

/** What is wrong, and where to go from here. */
export function problemPage(site: Site, { status, title, message, links }: Problem) {
  const list = links.map(
    ({ href, text, before, after }) => html`<li>${before}<a href="${href}">${text}</a>${after}</li>`,
  );
  return page(site.assets, {
    title,
    crumbs: [{ text: `${status}` }],
    main: html`<div class="pad prose">
<p class="mut">${status} ${NAMES[status]}</p><h1>${title}</h1>
<p>${message}</p>
${list.length > 0 && html`<ul>${list}</ul>`}</div>`,
  });
}
