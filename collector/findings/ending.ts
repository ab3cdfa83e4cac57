/** How a container ended, as its status says. */
export interface Ending {
  failed: boolean;
  exitCode?: number | undefined;
  /** The status's reason: `OOMKilled`, `Error`, `Completed`. */
  reason?: string | undefined;
}
