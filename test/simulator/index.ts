/**
 * A Kubernetes API with Tekton objects on loopback, for tests, chaos and the demo.
 *
 * - One thing at a time, without sleeping: `createPod`, `writeLine`, `rotate`, `exit`, `deletePod` … take effect, and
 *   are seen by watches and follows, before they return.
 * - Whole runs: `run(script)` plays in the simulator's time, `insertHistory(script, startMs)` at once in the past.
 * - What goes wrong: `faults` for requests, `cutFollows` and `pauseFollows` for what is open, `disturb` for nodes;
 *   `loseNode`, `collectOrphans`, `evict`, `preempt`, `oomKill` for pods; `stepClock` for times.
 * - The nodes' log files, rotated ones too, through the API server's proxy: with `nodeProxy`.
 * - The oracle: `truth` and `truths`, what containers really wrote.
 *
 * A container that writes more than two log files' worth without giving the event loop a turn overtakes every reader.
 */
export { type Clock, type ManualClock, manualClock, scaledClock } from "./clock.ts";
export { type CriEntry, formatTime, parseTime, type Stream } from "./cri-log.ts";
export { type Disturbance, disturb, disturbAtRandom } from "./disturbances.ts";
export {
  type FaultRule,
  kubeletErrors,
  type ListFault,
  type LogFault,
  type NodeLogFault,
  type WatchFault,
  type WriteFault,
} from "./faults.ts";
export { type KubernetesObject, resources } from "./kubernetes-objects.ts";
export type { Pod } from "./pod.ts";
export type { NewPod } from "./pod-operations.ts";
export type { RunHandle } from "./run-players.ts";
export type { Line, Lines, PipelineRunScript, RunScript, StepScript, TaskRunScript, TaskScript } from "./script.ts";
export {
  type ContainerMatch,
  createSimulator,
  type Simulator,
  type SimulatorOptions,
  type Truth,
} from "./simulator.ts";
