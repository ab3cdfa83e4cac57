import type { Place } from "../../archive/record.ts";

/**
 * Which labels and annotations tell where a run belongs, first match wins. Annotations come before labels: labels are
 * cut and mangled to what Kubernetes allows (tekton-contracts.md §3).
 */
export type PlaceKeys = Record<
  "pull" | "repository" | "commit" | "check" | "event" | "build" | "notification",
  string[]
>;

const pac = (name: string) => `pipelinesascode.tekton.dev/${name}`;

export const DEFAULT_PLACE_KEYS: PlaceKeys = {
  pull: ["tekton.dev/pr-number", pac("pull-request")],
  repository: ["tekton.dev/gitURL", pac("repo-url"), "tekton.dev/git-repo"],
  commit: ["tekton.dev/gitRevision", pac("sha"), "tekton.dev/git-revision"],
  check: ["tekton.dev/check-name", pac("original-prname"), "tekton.dev/status-context"],
  event: [pac("event-type"), "tekton.dev/source-event-id", "triggers.tekton.dev/triggers-eventid"],
  build: ["prow.k8s.io/build-id"],
  notification: ["ci.tekton.dev/source-taskrun-name"],
};

type Metadata = { labels?: Record<string, string>; annotations?: Record<string, string> };

/** Where a run belongs. Labels are anyone's text: what does not look like what it should be is left out. */
export function placeOf({ labels = {}, annotations = {} }: Metadata, keys: PlaceKeys = DEFAULT_PLACE_KEYS): Place {
  const find = (names: string[]): string | undefined => {
    for (const source of [annotations, labels]) {
      for (const name of names) if (source[name]) return source[name];
    }
    return undefined;
  };
  const pull = find(keys.pull);
  const repository = parseRepository(find(keys.repository));
  const commit = find(keys.commit);
  const check = find(keys.check);
  const event = find(keys.event);
  const build = find(keys.build);
  return {
    ...(repository && { repository }),
    ...(pull && /^[1-9]\d{0,8}$/.test(pull) && { pull: Number(pull) }),
    ...(commit && /^[0-9a-f]{7,64}$/i.test(commit) && { commit: commit.toLowerCase() }),
    ...(check && { check }),
    ...(event && { event }),
    ...(build && { build }),
    ...(find(keys.notification) && { notification: true }),
  };
}

/** From a web or clone address of any forge; undefined for what has no owner and name. */
export function parseRepository(address: string | undefined): Place["repository"] {
  if (!address) return undefined;
  const scp = /^[\w.-]+@([\w.-]+):(?!\/)(.+)$/.exec(address);
  const url = scp ? URL.parse(`https://${scp[1]}/${scp[2]}`) : URL.parse(address);
  if (!url || !["https:", "http:", "ssh:", "git:"].includes(url.protocol)) return undefined;
  const path = url.pathname.replace(/^\/+|\/+$|\.git\/?$/g, "");
  if (!/^[\w.~-]+(\/[\w.~-]+)+$/.test(path) || path.split("/").some((part) => /^\.+$/.test(part))) return undefined;
  return { url: `${url.protocol === "http:" ? "http" : "https"}://${url.host}/${path}`, path };
}
