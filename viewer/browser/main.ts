// Makes a run's page quicker; each page is complete without it.

import { offerKeys, onKey } from "./keys.ts";
import { markRows, selectByClick, showAddressed, translateDashboard } from "./links.ts";
import { followScroll, live } from "./live.ts";
import { onRows, openPane, shownLog } from "./pane.ts";
import { search } from "./search.ts";
import { comeBack, goByClick, keepPlace, onPane } from "./steps.ts";
import { keepChoices, restoreChoices } from "./times.ts";

async function begin(): Promise<void> {
  document.documentElement.classList.add("js");
  // Where the page opens without a script: not later than now, when it may be shown elsewhere.
  document.querySelector<HTMLElement>("[autofocus]")?.focus({ preventScroll: true });
  translateDashboard();
  openPane();
  restoreChoices();
  offerKeys();
  onRows(markRows);
  onPane(offerKeys);
  addEventListener("keydown", onKey);
  addEventListener("click", selectByClick);
  addEventListener("click", goByClick);
  addEventListener("change", ({ target }) => {
    keepChoices(target);
    shownLog()?.window.keep();
  });
  addEventListener("submit", (event) => search.submit(event) && event.preventDefault());
  addEventListener("scroll", followScroll, { passive: true });
  addEventListener("scrollend", keepPlace);
  addEventListener("pagehide", keepPlace);
  addEventListener("hashchange", () => void showAddressed());
  addEventListener("popstate", () => void comeBack());
  // The browser knows places in pixels only; the same line may stand elsewhere when the page comes anew.
  if (shownLog()) history.scrollRestoration = "manual";
  const { line, top } = history.state ?? {};
  if (typeof line === "number") await shownLog()?.window.show(line, top);
  else await showAddressed();
  search.refresh();
  await live();
}

void begin();
