import { FINALIZER, isHeld, patchFinalizers, withoutOurs } from "./finalizer.ts";
import type { KubernetesClient } from "./kubernetes/client.ts";
import type { TaskRun } from "./kubernetes/objects.ts";
import { isExpired, listPages } from "./kubernetes/watch.ts";

/** What came of taking the finalizer off every TaskRun; `failed` names those that still carry it, and why. */
export type Removal = { removed: number; failed: { name: string; error: unknown }[] };

/**
 * Takes Afterlog's finalizer, and no other, off every TaskRun of the namespaces. A collector that runs meanwhile with
 * finalizers on puts them back. What fails does not keep it from the rest.
 */
export async function removeFinalizers(
  client: KubernetesClient,
  namespaces: readonly string[] | "*",
  signal: AbortSignal,
): Promise<Removal> {
  const total: Removal = { removed: 0, failed: [] };
  for (const namespace of namespaces === "*" ? [undefined] : namespaces) {
    const scope = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
    await removeIn(client, `/apis/tekton.dev/v1${scope}/taskruns`, total, signal).catch((error: unknown) => {
      total.failed.push({ name: `TaskRuns of ${namespace ?? "all namespaces"} (not listed to the end)`, error });
    });
  }
  return total;
}

async function removeIn(client: KubernetesClient, path: string, total: Removal, signal: AbortSignal): Promise<void> {
  const tried = new Set<string>();
  for (;;) {
    try {
      for await (const page of listPages<TaskRun>({ client, path, signal })) {
        for (const taskRun of page.items) {
          const { namespace, name, uid } = taskRun.metadata;
          if (!isHeld(taskRun) || tried.has(uid)) continue;
          tried.add(uid);
          await patchFinalizers(client, taskRun, withoutOurs, signal).then(
            () => total.removed++,
            (error: unknown) => total.failed.push({ name: `${namespace}/${name}`, error }),
          );
        }
      }
      return;
    } catch (error) {
      // The list was read so slowly that its moment is forgotten: it is read anew, past what was tried.
      if (!isExpired(error)) throw error;
    }
  }
}

/** What a person reads of it. */
export function describeRemoval({ removed, failed }: Removal): string {
  return [
    `Removed the finalizer ${FINALIZER} from ${removed} ${removed === 1 ? "TaskRun" : "TaskRuns"}.`,
    ...(failed.length > 0 ? ["These could not be changed and may still carry it:"] : []),
    ...failed.map(({ name, error }) => `  ${name}: ${error instanceof Error ? error.message : error}`),
  ].join("\n");
}
