import { ObjectCache } from "./kubernetes/cache.ts";
import type { KubernetesClient } from "./kubernetes/client.ts";
import {
  type Meta,
  type PipelineRun,
  type Pod,
  type TaskRun,
  trimPipelineRun,
  trimPod,
  trimTaskRun,
} from "./kubernetes/objects.ts";
import { type WatchOptions, watch } from "./kubernetes/watch.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { Readiness } from "./readiness.ts";

export type ClusterWatchesDeps = {
  client: KubernetesClient;
  logger: Logger;
  metrics: Metrics;
  /** Everything stops at once. */
  signal: AbortSignal;
  namespaces: readonly string[] | "*";
  watchTiming?: WatchOptions<never>["timing"];
};

/** Told of every object that is there, of every change of one, and of its end. */
export type Observer = {
  pipelineRun(object: PipelineRun, deleted: boolean): void;
  taskRun(object: TaskRun, deleted: boolean): void;
  pod(object: Pod, deleted: boolean): void;
};

/** What there is of Tekton in the cluster: its runs and their pods, listed and then watched. */
export class ClusterWatches {
  readonly #deps: ClusterWatchesDeps;
  readonly #observer: Observer;
  readonly #readiness = new Readiness();
  readonly #listed = Promise.withResolvers<void>();

  constructor(deps: ClusterWatchesDeps, observer: Observer) {
    this.#deps = deps;
    this.#observer = observer;
  }

  /** Resolves when everything that exists has been told once. */
  get listed(): Promise<void> {
    return this.#listed.promise;
  }

  /** See Readiness. */
  get notReady(): string | undefined {
    return this.#readiness.notReady;
  }

  /** Runs until the signal aborts. */
  async run(): Promise<void> {
    const { namespaces } = this.#deps;
    await Promise.all(
      namespaces === "*" ? this.#watchNamespace() : namespaces.flatMap((name) => this.#watchNamespace(name)),
    );
  }

  /** Without a name: all of them, by cluster-wide watches. */
  #watchNamespace(namespace?: string): Promise<void>[] {
    const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
    const tekton = `/apis/tekton.dev/v1${scope}`;
    const { pipelineRun, taskRun, pod } = this.#observer;
    return [
      this.#watch<PipelineRun>({ path: `${tekton}/pipelineruns`, trim: trimPipelineRun }, pipelineRun),
      this.#watch<TaskRun>({ path: `${tekton}/taskruns`, trim: trimTaskRun }, taskRun),
      this.#watch<Pod>({ path: `/api/v1${scope}/pods`, labelSelector: "tekton.dev/taskRun", trim: trimPod }, pod),
    ];
  }

  async #watch<T extends { metadata: Meta }>(
    options: Pick<WatchOptions<T>, "path" | "trim"> & { labelSelector?: string },
    onChange: (object: T, deleted: boolean) => void,
  ): Promise<void> {
    const { client, signal, logger, metrics, watchTiming } = this.#deps;
    const { path } = options;
    const cache = new ObjectCache<T>(onChange);
    const readiness = this.#readiness;
    readiness.begun(path);
    const onError = (error: unknown) => {
      readiness.failed(path, error);
      metrics.watchFailed(path.slice(path.lastIndexOf("/") + 1));
      logger.warn({ path, err: error }, "watch interrupted");
    };
    for await (const event of watch<T>({
      ...options,
      client,
      signal,
      onError,
      onOpen: () => readiness.opened(path),
      ...(watchTiming && { timing: watchTiming }),
    })) {
      cache.handle(event);
      if (event.type !== "synced") continue;
      readiness.listed(path);
      if (readiness.hasListed) this.#listed.resolve();
    }
  }
}
