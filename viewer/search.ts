import type { Entry } from "../archive/entry.ts";
import { repositoryValue } from "../archive/entry.ts";
import type { IndexName } from "../archive/keys.ts";
import { isNamespace } from "../settings.ts";
import {
  commitPath,
  isCommit,
  isName,
  isPull,
  isRepository,
  namespacePath,
  pipelinePath,
  pullPath,
  repositoryPath,
  runPath,
} from "./address.ts";
import { take } from "./lookup.ts";
import { type Site, shows } from "./site.ts";

/** In more namespaces than this a name is not asked for one by one. */
const MAX_NAMESPACES = 50;

/** What a reader may paste or type that an index answers directly. */
export type Guess = { index: IndexName; path: string };

/** Where the words lead without any search; undefined when they are only words. */
export async function directHit(
  site: Site,
  q: string,
  namespaces: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const guesses = [...pasted(q), ...named(q, namespaces)];
  for (const { index, path } of guesses) if ((await take(site, index, 1, signal)).length > 0) return path;
  return undefined;
}

/** `org/repo#12`, `org/repo`, or an address of a forge, of Tekton's Dashboard or of Afterlog. */
function pasted(q: string): Guess[] {
  const short = /^([\w.-]+(?:\/[\w.-]+)+)(?:[#!](\d+)|@([0-9a-f]{40}))?$/i.exec(q);
  if (short?.[1]) return repositoryGuess(short[1], short[2], short[3]);
  if (!URL.canParse(q)) return [];
  const { protocol, pathname, hash } = new URL(q);
  if (!/^https?:$/.test(protocol)) return [];
  const path = decodeSafely(hash.startsWith("#/") ? hash.slice(1).replace(/\?.*$/, "") : pathname);
  const run = /^\/namespaces\/([^/]+)\/(pipelineruns|taskruns|pipelines)\/([^/]+)$/.exec(path);
  if (run?.[1] && run[3]) return runGuess(run[1], run[3], run[2] ?? "");
  const pull = /^\/(.+?)\/(?:-\/merge_requests|pulls?)\/(\d+)(?:\/|$)/.exec(path);
  if (pull?.[1]) return repositoryGuess(pull[1], pull[2]);
  const commit = /^\/(.+?)\/(?:-\/)?commit\/([0-9a-f]+)$/i.exec(path);
  if (commit?.[1]) return repositoryGuess(commit[1], undefined, commit[2]);
  return repositoryGuess(path.replace(/^\/|\/$|\.git$/g, ""));
}

function decodeSafely(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // Not an address of ours then; taken as it is, it finds nothing.
    return path;
  }
}

function repositoryGuess(repository: string, pull?: string, commit?: string): Guess[] {
  if (!isRepository(repository)) return [];
  const value = repositoryValue(repository);
  if (pull && isPull(pull))
    return [{ index: { by: "pull", values: [value, pull] }, path: pullPath(repository, Number(pull)) }];
  if (commit && isCommit(commit)) {
    return [{ index: { by: "commit", values: [value, commit] }, path: commitPath(repository, commit) }];
  }
  return [{ index: { by: "repository", values: [value] }, path: repositoryPath(repository) }];
}

function runGuess(namespace: string, name: string, kind: string): Guess[] {
  if (!isNamespace(namespace) || !isName(name)) return [];
  if (kind === "pipelines") {
    return [{ index: { by: "pipeline", values: [namespace, name] }, path: pipelinePath(namespace, name) }];
  }
  const asKind = kind === "taskruns" ? "TaskRun" : "PipelineRun";
  return [
    { index: { by: "name", values: [namespace, asKind, name] }, path: runPath({ kind: asKind, namespace, name }) },
  ];
}

/** `namespace/run`, or a name alone, of a run, a pipeline or a namespace. */
function named(q: string, namespaces: readonly string[]): Guess[] {
  const [first = "", second, ...more] = q.split("/");
  if (more.length > 0) return [];
  if (second !== undefined) return [...runGuess(first, second, ""), ...runGuess(first, second, "taskruns")];
  const places = namespaces.slice(0, MAX_NAMESPACES);
  const inAll = (kind: string) => places.flatMap((namespace) => runGuess(namespace, q, kind));
  const namespace: Guess[] = places.includes(q)
    ? [{ index: { by: "namespace", values: [q] }, path: namespacePath(q) }]
    : [];
  return [...namespace, ...inAll(""), ...inAll("taskruns"), ...inAll("pipelines")];
}

/** Whether every word is somewhere in what an entry says. */
export function matcher(site: Site, q: string): (entry: Entry) => boolean {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  return (entry) => {
    if (!shows(site, entry.run.namespace)) return false;
    const { run, pipeline, check, repository, pull, commit, why, reason } = entry;
    const said = [run.namespace, run.name, pipeline, check, repository, pull && `#${pull}`, commit, why, reason];
    const text = said.filter(Boolean).join("\n").toLowerCase();
    return words.every((word) => text.includes(word));
  };
}
