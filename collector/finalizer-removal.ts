import { FINALIZER, isHeld, patchFinalizers, withoutOurs } from "./finalizer.ts";
import type { KubernetesClient } from "./kubernetes/client.ts";
import type { TaskRun } from "./kubernetes/objects.ts";
import { isExpired, listPages } from "./kubernetes/watch.ts";

/** What came of taking the finalizer off every TaskRun; `failed` names those that still carry it, and why. */
export type Removal = { removed: number; failed: { name: string; error: unknown }[] };

/**
 * Takes Afterlog's finalizer, and no other, off every TaskRun of the namespaces. A collector that runs meanwhile with
 * finalizers on puts them back.
 * @throws KubernetesError, and what node:http throws, if the TaskRuns cannot be listed
 */
export async function removeFinalizers(
  client: KubernetesClient,
  namespaces: readonly string[] | "*",
  signal: AbortSignal,
): Promise<Removal> {
  const scopes = namespaces === "*" ? [""] : namespaces.map((name) => `/namespaces/${encodeURIComponent(name)}`);
  const total: Removal = { removed: 0, failed: [] };
  for (const scope of scopes) {
    const { removed, failed } = await removeIn(client, `/apis/tekton.dev/v1${scope}/taskruns`, signal);
    total.removed += removed;
    total.failed.push(...failed);
  }
  return total;
}

async function removeIn(client: KubernetesClient, path: string, signal: AbortSignal): Promise<Removal> {
  const tried = new Map<string, { name: string; error?: unknown }>();
  for (;;) {
    try {
      for await (const page of listPages<TaskRun>({ client, path, signal })) {
        for (const taskRun of page.items) {
          const { namespace, name, uid } = taskRun.metadata;
          if (!isHeld(taskRun) || tried.has(uid)) continue;
          const error = await patchFinalizers(client, taskRun, withoutOurs, signal).then(() => undefined, asError);
          tried.set(uid, { name: `${namespace}/${name}`, ...(error && { error }) });
        }
      }
      const failed = [...tried.values()].flatMap(({ name, error }) => (error ? [{ name, error }] : []));
      return { removed: tried.size - failed.length, failed };
    } catch (error) {
      // The list was read so slowly that its moment is forgotten: what has been done stays done.
      if (!isExpired(error)) throw error;
    }
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** What a person reads of it. */
export function describeRemoval({ removed, failed }: Removal): string {
  const many = (count: number) => `${count} ${count === 1 ? "TaskRun" : "TaskRuns"}`;
  return [
    `Removed the finalizer ${FINALIZER} from ${many(removed)}.`,
    ...(failed.length > 0 ? [`${many(failed.length)} could not be changed and may still carry it:`] : []),
    ...failed.map(({ name, error }) => `  ${name}: ${error instanceof Error ? error.message : error}`),
  ].join("\n");
}
