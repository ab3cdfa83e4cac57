import { type ChildProcess, execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

/** Time for a process to end of itself before it is killed. */
const STOP_MS = 5_000;

/** Sees to it that the process does not outlive this one, however this one ends. */
export function endWithUs(child: ChildProcess): void {
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
}

/** Ends the process and waits until it has ended. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
}

const proc = (child: ChildProcess, file: string): string => readFileSync(`/proc/${child.pid}/${file}`, "utf8");

let ticksPerSecond: number | undefined;

/** CPU time of all threads of a running process, user and system, in seconds (proc_pid_stat(5): fields 14 and 15). */
export function cpuSeconds(child: ChildProcess): number {
  ticksPerSecond ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  const stat = proc(child, "stat");
  // The second field is the name in parentheses, with whatever is in it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** The most memory that a running process has been resident with, in bytes (proc_pid_status(5): VmHWM). */
export function peakMemory(child: ChildProcess): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(proc(child, "status"))?.[1];
  if (!kilobytes) throw new Error(`/proc/${child.pid}/status tells no VmHWM`);
  return Number(kilobytes) * 1024;
}
