import type { RunRecord } from "../archive/record.ts";
import { choiceOf, query, runPath } from "./address.ts";
import type { RunRequest } from "./routes/run.ts";
import type { Site } from "./site.ts";

/** The record as it is, with the addresses of the page and of each log's text. */
export function runJson({ c, site, found }: RunRequest): Response {
  c.header("Cache-Control", found.record.final ? "no-cache" : "no-store");
  return c.json(withAddresses(site, found.record));
}

function withAddresses(site: Site, record: RunRecord) {
  const { entries: _, ...known } = record;
  const path = `${site.url ?? ""}${runPath(record.run)}`;
  const uid = { uid: record.run.uid };
  const tasks = record.tasks.map((task) => ({
    ...task,
    attempts: task.attempts.map((attempt) => ({
      ...attempt,
      containers: attempt.containers.map((container) => ({
        ...container,
        text: `${path}.txt${query({ ...choiceOf(record, task, attempt, container), ...uid })}`,
      })),
    })),
  }));
  return { ...known, tasks, page: `${path}${query(uid)}`, text: `${path}.txt${query(uid)}` };
}
