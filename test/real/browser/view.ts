import type { Page } from "playwright-core";

export type View = {
  /** Rows in the document. */
  rows: number;
  /** The first and last row that can be seen, and where the first stands. */
  first: number;
  last: number;
  top: number;
  /** Numbers of all rows, as far as they follow one another. */
  isContiguous: boolean;
};

/** What a reader sees of a log now. The function runs in the page, whose types are not those of Node. */
export const viewOf = (page: Page): Promise<View> =>
  page.evaluate<View>(`(() => {
    const rows = [...document.querySelectorAll(".rows .r")].filter((row) => row.offsetHeight > 0);
    const tools = document.querySelector(".tools").getBoundingClientRect().bottom;
    const seen = rows.filter((row) => {
      const { top, bottom } = row.getBoundingClientRect();
      return bottom > tools + 1 && top < innerHeight;
    });
    const line = (row) => (row ? Number(row.id.slice(1)) : 0);
    return {
      rows: rows.length,
      first: line(seen[0]),
      last: line(seen.at(-1)),
      top: seen[0]?.getBoundingClientRect().top ?? 0,
      isContiguous: rows.every((row, i) => i === 0 || line(row) === line(rows[i - 1]) + 1),
    };
  })()`);
