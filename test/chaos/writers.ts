import type { Line, StepScript, TaskRunScript } from "../simulator/index.ts";
import { generator } from "../simulator/random.ts";

export type WriterOptions = {
  lines?: number;
  /** Between two lines, at most. */
  paceMs?: number;
  steps?: number;
  sidecar?: boolean;
  /** The last line has no newline. */
  unfinished?: boolean;
  /** Now and then a line of more than 16 KiB, which containerd splits. */
  long?: boolean;
  timeoutMs?: number;
  exitCode?: number;
};

/** Numbered lines, many of them of the same text, from both streams, some empty, some with control characters. */
function* printed(seed: number, { lines = 300, paceMs = 4, long = false }: WriterOptions): Generator<Line> {
  const random = generator(seed);
  for (let n = 1; n <= lines; n++) {
    const stream = random() < 0.2 ? ("stderr" as const) : ("stdout" as const);
    const afterMs = random() < 0.3 ? 0 : random() * paceMs;
    yield { text: textOf(n, random(), long), afterMs, stream };
  }
}

function textOf(n: number, chance: number, long: boolean): string | Uint8Array {
  if (chance < 0.25) return "the same text";
  if (chance < 0.3) return "";
  if (chance < 0.33)
    return Buffer.from([0xff, 0xfe, 0x1b, 0x5b, 0x6d, n & 0x7f || 1].map((byte) => (byte === 10 ? 11 : byte)));
  if (long && chance < 0.34) return `${n} ${"x".repeat(17_000 + n * 40)}`;
  return `line ${n}`;
}

/** A TaskRun that prints. */
export function writer(name: string, seed: number, options: WriterOptions = {}): TaskRunScript {
  const steps: StepScript[] = Array.from({ length: options.steps ?? 1 }, (_, i) => ({
    name: `print-${i + 1}`,
    lines: () => printed(seed * 31 + i, options),
    ...(options.unfinished && { unfinishedLine: "no newline" }),
    ...(options.exitCode !== undefined && { exitCode: options.exitCode }),
  }));
  function* ticks(): Generator<Line> {
    for (let n = 1; ; n++) yield { text: `tick ${n}`, afterMs: 15 };
  }
  return {
    kind: "TaskRun",
    name,
    task: {
      name: "print",
      steps,
      ...(options.sidecar && { sidecars: [{ name: "server", lines: ticks }] }),
      ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }),
    },
  };
}
