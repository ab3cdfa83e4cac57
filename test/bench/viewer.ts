import { bigLog } from "./big-log.ts";
import type { Figure } from "./figure.ts";
import { measureBrowser } from "./viewer-browser.ts";
import { measureLines } from "./viewer-lines.ts";
import { measureViewerMemory } from "./viewer-memory.ts";
import { measurePages } from "./viewer-pages.ts";
import { measureStoredBytes } from "./viewer-stored.ts";

/** What readers of a log of 1 GiB get from the viewer, and what its bytes cost. */
export async function* measureViewer(folder: string, shared: string): AsyncGenerator<Figure> {
  yield* measureStoredBytes(folder);
  const log = await bigLog(shared);
  yield* measureLines(log);
  yield* measurePages(log, folder);
  yield* measureBrowser(log);
  yield* measureViewerMemory(log);
}
