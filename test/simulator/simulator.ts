import { ApiServer } from "./api-server.ts";
import { type Clock, manualClock, scaledClock, timeText } from "./clock.ts";
import type { ContainerRun } from "./container-run.ts";
import { Faults, type LogFault } from "./faults.ts";
import { Kubelet, type OpenFollow } from "./kubelet.ts";
import { type KubernetesObject, resources } from "./kubernetes-objects.ts";
import { NodeOperations } from "./node-operations.ts";
import { ObjectStore } from "./object-store.ts";
import type { Pod } from "./pod.ts";
import { PodOperations } from "./pod-operations.ts";
import type { PlayerTimes } from "./pod-player.ts";
import { type RunHandle, RunPlayers } from "./run-players.ts";
import type { RunScript } from "./script.ts";

export type SimulatorOptions = Partial<PlayerTimes> & {
  clock?: Clock;
  /** Watch events kept; older resourceVersions get 410. */
  historyLimit?: number;
  bookmarkIntervalMs?: number;
  /** kubelet's HTTP server cuts every follow after 4 h; scaled down, or 0 for never. */
  maxFollowMs?: number;
  /** inotify instances per node for follows. */
  watcherLimit?: number;
  /** The nodes' time zone in log times. */
  offsetMinutes?: number;
  /** Rotate a container's log as soon as its file is that large. */
  maxLogFileBytes?: number;
  /** No container's log is rotated before so long after its first output. */
  minRotationMs?: number;
  maxLogFiles?: number;
  /** Whether the client may read the nodes' log files through `nodes/{node}/proxy`; it may not by default. */
  nodeProxy?: boolean;
};

export type Truth = {
  namespace: string;
  pod: string;
  podUid: string;
  container: string;
  restart: number;
  /** What `kubectl logs --timestamps` would give had nothing been rotated away. */
  bytes: Buffer;
  /** The same in lines; the last may be a line that the container never ended. */
  lines: string[];
};

export type ContainerMatch = { namespace?: string; pod?: string; container?: string };

/** A Kubernetes API with pods, logs and Tekton objects over real HTTP on loopback. */
export async function createSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = new Simulator(options);
  await simulator.start();
  return simulator;
}

export class Simulator extends NodeOperations {
  readonly faults = new Faults();
  /** `GET /path?query` of the latest requests, for tests of what a client asks. */
  readonly requests: string[] = [];
  readonly #options: SimulatorOptions;
  readonly #api: ApiServer;
  readonly #players: RunPlayers;
  #url: string | undefined;

  constructor(options: SimulatorOptions) {
    const clock = options.clock ?? scaledClock();
    const kubelet = new Kubelet();
    kubelet.watcherLimit = options.watcherLimit ?? Number.POSITIVE_INFINITY;
    const store = new ObjectStore({
      timeText: () => timeText(clock.nowNs()),
      ...(options.historyLimit === undefined ? {} : { historyLimit: options.historyLimit }),
    });
    const { maxLogFileBytes, maxLogFiles, minRotationMs } = options;
    super({ store, kubelet, clock, maxLogFileBytes, maxLogFiles, minRotationMs });
    this.#options = options;
    this.#players = new RunPlayers(this, {
      startupMs: options.startupMs ?? 400,
      killMs: options.killMs ?? 50,
      sidecarStopMs: options.sidecarStopMs ?? 30_000,
      previousMs: options.previousMs ?? 2_000,
    });
    this.#api = new ApiServer({
      store,
      kubelet,
      faults: this.faults,
      nowNs: () => this.nodeNowNs(),
      offsetMinutes: options.offsetMinutes ?? 0,
      maxFollowMs: options.maxFollowMs ?? 4 * 3_600_000,
      nodeProxy: options.nodeProxy ?? false,
      bookmarkIntervalMs: options.bookmarkIntervalMs ?? 60_000,
      deletePod: (object, graceSeconds) => this.#deleteByRequest(object, graceSeconds),
      onRequest: (method, url) => {
        this.requests.push(`${method} ${url}`);
        if (this.requests.length > 10_000) this.requests.shift();
      },
    });
  }

  get url(): string {
    if (this.#url === undefined) throw new Error("the simulator is not started");
    return this.#url;
  }

  /** For a KUBECONFIG file: JSON is YAML. */
  get kubeconfig(): string {
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "simulator", cluster: { server: this.url, "insecure-skip-tls-verify": true } }],
      users: [{ name: "simulator", user: {} }],
      contexts: [{ name: "simulator", context: { cluster: "simulator", user: "simulator", namespace: "default" } }],
      "current-context": "simulator",
    });
  }

  async start(): Promise<void> {
    this.#url = await this.#api.listen();
  }

  async close(): Promise<void> {
    await this.#api.close();
  }

  /** Plays a run from now on, in the simulator's time. */
  run(script: RunScript): RunHandle {
    return this.#players.play(script, this);
  }

  /** Plays a whole run at once, as if it had begun at `startMs`; its pods stay readable. */
  async insertHistory(script: RunScript, startMs: number): Promise<RunHandle> {
    const clock = manualClock(startMs, { jitter: true });
    const { maxLogFileBytes, maxLogFiles } = this.#options;
    const past = new PodOperations({ store: this.store, kubelet: this.kubelet, clock, maxLogFileBytes, maxLogFiles });
    const handle = this.#players.play(script, past);
    await clock.runUntil(handle.settled);
    return handle;
  }

  /** The run's own object has not been deleted. */
  exists({ kind, namespace, name, uid }: RunHandle): boolean {
    const resource = kind === "PipelineRun" ? resources.pipelineruns : resources.taskruns;
    return this.store.get(resource, namespace, name)?.metadata.uid === uid;
  }

  /** Every connection is reset: the API server restarts. */
  dropConnections(): void {
    this.#api.dropConnections();
  }

  /** etcd's compaction: old resourceVersions and continue tokens get 410. */
  compact(): void {
    this.store.compact();
    this.#api.lists.expireContinueTokens();
  }

  openFollows(match: ContainerMatch = {}): OpenFollow[] {
    return this.kubelet.follows().filter(({ pod, container }) => matches(match, pod, container));
  }

  /** Strikes the follows that are open now. Returns how many. */
  cutFollows(fault: LogFault, match: ContainerMatch = {}): number {
    const follows = this.openFollows(match);
    for (const { body } of follows) body.strike(fault);
    return follows.length;
  }

  /**
   * kubelet's readers stand still: directory events queue up, so that they come late to rotations (§5b, §5c).
   * Returns how to let them go on.
   */
  pauseFollows(match: ContainerMatch = {}): () => void {
    const paused = this.openFollows(match);
    for (const { follower } of paused) follower.pause();
    return () => {
      for (const { follower } of paused) follower.unpause();
    };
  }

  runningContainers(match: ContainerMatch = {}): ContainerRun[] {
    return [...this.kubelet.pods()].flatMap((pod) =>
      [...pod.containers.values()]
        .filter(({ name, current }) => current?.running && matches(match, pod, name))
        .flatMap(({ current }) => current ?? []),
    );
  }

  /** Every container run of every pod that ever was. */
  truths(match: ContainerMatch = {}): Truth[] {
    const truths: Truth[] = [];
    for (const pod of this.kubelet.pods())
      for (const { name, runs } of pod.containers.values())
        if (matches(match, pod, name)) for (const run of runs) truths.push(this.#truthOf(pod, name, run));
    return truths;
  }

  /** The newest run, or the one with that restart number. */
  truth(pod: Pod, container: string, restart?: number): Truth {
    const { runs } = pod.container(container);
    const run = restart === undefined ? runs.at(-1) : runs[restart];
    if (!run) throw new Error(`container ${container} of ${pod.name} has no run ${restart ?? "yet"}`);
    return this.#truthOf(pod, container, run);
  }

  #truthOf(pod: Pod, container: string, run: ContainerRun): Truth {
    const bytes = run.truth(this.#options.offsetMinutes);
    const lines = bytes.toString().split("\n");
    if (lines.at(-1) === "") lines.pop();
    return { namespace: pod.namespace, pod: pod.name, podUid: pod.uid, container, restart: run.restart, bytes, lines };
  }

  #deleteByRequest(object: KubernetesObject, graceSeconds = 30): void {
    const pod = this.kubelet.pod(object.metadata.uid);
    if (!pod) {
      this.store.remove(resources.pods, object.metadata.namespace, object.metadata.name);
    } else if (graceSeconds === 0) {
      this.forceDeletePod(pod);
      if (!this.kubelet.isLost(pod.nodeName)) this.killContainers(pod);
    } else {
      this.beginDeletion(pod, graceSeconds);
      if (this.kubelet.isLost(pod.nodeName)) return;
      // Steps' processes obey SIGTERM at once: nobody waits out the grace period.
      queueMicrotask(() => {
        this.killContainers(pod);
        this.finishDeletion(pod);
      });
    }
  }
}

const matches = (match: ContainerMatch, pod: Pod, container: string): boolean =>
  (match.namespace === undefined || match.namespace === pod.namespace) &&
  (match.pod === undefined || match.pod === pod.name) &&
  (match.container === undefined || match.container === container);
