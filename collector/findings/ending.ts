/** How a step failed, as its container's status says. */
export interface Ending {
  exitCode?: number | undefined;
  /** The status's reason: `OOMKilled`, `Error`, `Completed`. */
  reason?: string | undefined;
}
