import type { Assets } from "../assets.ts";
import { type Html, html } from "./html.ts";
import { sprite } from "./icons.ts";

export type Crumb = { text: string; href?: string };

export type PageOptions = {
  title: string;
  /** One sentence for whoever shows a link to this page. */
  description?: string | undefined;
  crumbs: readonly Crumb[];
  main: Html;
  /** The page's other faces. */
  faces?: { text: string; json: string };
  /** Absolute address of this page, where the origin is known. */
  canonical?: string | undefined;
  /** Reloads itself where there is no script to do better. */
  refreshes?: boolean;
  /** The home page has its own search. */
  hasSearch?: boolean;
};

/** The frame around every page. */
export function page(assets: Assets, options: PageOptions): Html {
  const { title, description, crumbs, main, faces, canonical, refreshes, hasSearch = true } = options;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Afterlog</title>
<meta name="color-scheme" content="light dark">
${
  description &&
  html`<meta name="description" content="${description}">
<meta property="og:title" content="${title}"><meta property="og:description" content="${description}">
`
}${
  canonical &&
  html`<link rel="canonical" href="${canonical}">
`
}<link rel="icon" href="${assets.path("icon.svg")}" type="image/svg+xml">
<link rel="stylesheet" href="${assets.path("style.css")}">
${assets.modules.map(script)}${
  refreshes &&
  html`<noscript><meta http-equiv="refresh" content="10"></noscript>
`
}</head>
<body>
<a class="vh" href="#main">Skip to content</a>
${sprite}
<header class="top">
<a class="brand" href="/"><svg class="ic" aria-hidden="true"><path d="M2 3.5h12M2 8h8.5M2 12.5h5"/><circle class="fl" cx="12.6" cy="12.5" r="1.9"/></svg>Afterlog</a>
<nav class="crumbs" aria-label="You are here"><ol>${crumbs.map(crumb)}</ol></nav>
${
  hasSearch &&
  html`<form action="/" method="get" role="search"><label class="vh" for="find">Find a run, pull request or commit</label><input id="find" type="search" name="q" maxlength="500" placeholder="Run, pull request, commit"></form>
`
}</header>
<main id="main">
${main}
</main>
<footer class="foot">
<span>The logs that outlive the pod.</span>
${
  faces &&
  html`<a href="${faces.json}">JSON</a><a href="${faces.text}">Text</a>
`
}</footer>
</body>
</html>
`;
}

/** The first begins; the others are only fetched early. */
const script = (path: string, i: number): Html =>
  i === 0
    ? html`<script type="module" src="${path}"></script>
`
    : html`<link rel="modulepreload" href="${path}">
`;

const crumb = ({ text, href }: Crumb): Html =>
  href ? html`<li><a href="${href}">${text}</a></li>` : html`<li><span aria-current="page">${text}</span></li>`;
