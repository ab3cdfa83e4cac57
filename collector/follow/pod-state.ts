import { type KubernetesClient, KubernetesError } from "../kubernetes/client.ts";
import { type Pod, trimPod } from "../kubernetes/objects.ts";

/** One pod, told by its UID, as it was last seen. It stays readable after the pod has gone. */
export class PodState {
  #pod: Pod;
  readonly #left = Promise.withResolvers<void>();
  #gone = false;
  readonly #waiters = new Set<() => void>();
  readonly #client: KubernetesClient;

  constructor(client: KubernetesClient, pod: Pod) {
    this.#client = client;
    this.#pod = pod;
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The pod does not exist any more, or another one has its name. */
  get gone(): boolean {
    return this.#gone;
  }

  /** It is about to go, and its logs with it (kubernetes-logs.md §14.4). */
  get endangered(): boolean {
    const { metadata, status } = this.#pod;
    const disrupted = status?.conditions?.some(({ type, status }) => type === "DisruptionTarget" && status === "True");
    return metadata.deletionTimestamp !== undefined || disrupted === true || status?.phase === "Failed";
  }

  /** Resolves when it is gone. */
  get left(): Promise<void> {
    return this.#left.promise;
  }

  update(pod: Pod): void {
    this.#pod = pod;
    this.#signalChange();
  }

  markGone(pod?: Pod): void {
    if (pod) this.#pod = pod;
    this.#gone = true;
    this.#left.resolve();
    this.#signalChange();
  }

  /** Resolves at the next change, or after `ms`. */
  async changed(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    const wake = () => resolve();
    this.#waiters.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    if (!signal.aborted) await promise;
    clearTimeout(timer);
    this.#waiters.delete(wake);
    signal.removeEventListener("abort", wake);
  }

  /** Asks the API server now; no request for a log carries the UID, so this tells whose log it was. */
  async refresh(signal: AbortSignal): Promise<void> {
    if (this.#gone) return;
    const { namespace, name, uid } = this.#pod.metadata;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
    try {
      const pod = trimPod(await this.#client.get<Pod>(path, {}, signal));
      if (pod.metadata.uid !== uid) this.markGone();
      else if (pod.metadata.resourceVersion !== this.#pod.metadata.resourceVersion) this.update(pod);
    } catch (error) {
      if (!(error instanceof KubernetesError && error.status === 404)) throw error;
      this.markGone();
    }
  }

  #signalChange(): void {
    for (const wake of [...this.#waiters]) wake();
  }
}
