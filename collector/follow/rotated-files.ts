import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import type { Alignment } from "../../archive/alignment.ts";
import { timeAt } from "../../archive/line.ts";
import type { LogWriter } from "../../archive/log-writer.ts";
import { type KubernetesClient, textOf } from "../kubernetes/client.ts";
import type { Logger } from "../logger.ts";
import type { ContainerRun } from "./container-view.ts";
import { CriText } from "./cri-text.ts";
import { type Joined, Junction } from "./junction.ts";
import { gapWords } from "./missing.ts";
import type { Recover, Recovered } from "./reading.ts";
import { type Redact, redacted } from "./redaction.ts";

export type RotatedFilesDeps = { client: KubernetesClient; logger: Logger; signal: AbortSignal };

/** kubelet keeps a handful of files. */
const MAX_LISTING_BYTES = 1024 * 1024;

/**
 * Fetches through the API server's node proxy what the log endpoint does not give: the files that kubelet has rotated
 * (kubernetes-logs.md §5). Needs `get` on nodes/proxy, a strong right; where it is refused, the gap stays.
 */
export function rotatedFiles(
  deps: RotatedFilesDeps,
  run: ContainerRun,
  redact: Redact | undefined,
): (writer: LogWriter) => Recover {
  return (writer) => async (next, append) => {
    try {
      const files = await listFiles(deps, run);
      return await new Recovery({ ...deps, redact }, run, writer, append, next).run(files);
    } catch (error) {
      if (deps.signal.aborted) throw error;
      deps.logger.warn({ ...run, err: error }, "the node's rotated log files could not be read");
      return undefined;
    }
  };
}

const directoryOf = ({ node, namespace, pod, podUid, container }: ContainerRun): string =>
  `/api/v1/nodes/${encodeURIComponent(node)}/proxy/logs/pods/${encodeURIComponent(`${namespace}_${pod}_${podUid}`)}/${encodeURIComponent(container)}/`;

/** The files of this run of the container, oldest first; the last is the one that is being written. */
async function listFiles({ client, signal }: RotatedFilesDeps, run: ContainerRun): Promise<string[]> {
  const { text: listing } = await textOf(await client.open(directoryOf(run), {}, signal), MAX_LISTING_BYTES);
  const names = [...listing.matchAll(/href="(\d+\.log(?:\.\d{8}-\d{6}(?:\.gz)?)?)"/g)].map(
    ([, name]) => name as string,
  );
  const own = names.filter((name) => name.startsWith(`${run.restart}.log`));
  const newest = `${run.restart}.log`;
  return [...own.filter((name) => name !== newest).sort(), ...own.filter((name) => name === newest)];
}

type RecoveryDeps = RotatedFilesDeps & { redact: Redact | undefined };

class Recovery {
  readonly #deps: RecoveryDeps;
  readonly #run: ContainerRun;
  readonly #writer: LogWriter;
  readonly #append: (text: Buffer) => Promise<void>;
  #alignment: Alignment | undefined;
  readonly #junction: Junction | undefined;
  /** One for all files: a line may begin in one and end in the next. */
  readonly #cri = new CriText();

  constructor(
    deps: RecoveryDeps,
    run: ContainerRun,
    writer: LogWriter,
    append: (text: Buffer) => Promise<void>,
    next: Buffer,
  ) {
    this.#deps = deps;
    this.#run = run;
    this.#writer = writer;
    this.#append = append;
    this.#alignment = writer.alignment();
    this.#junction = next.byteLength > 0 ? new Junction(next) : undefined;
  }

  /** Defined if everything up to the next text is in the log then, or is said to be missing. */
  async run(files: readonly string[]): Promise<Recovered | undefined> {
    // Nothing was ever rotated: the log begins with what the log endpoint gives.
    if (files.length === 1 && !this.#alignment) return { leaveOut: 0 };
    for (const file of files) {
      for await (const text of this.#read(file)) {
        const joined = await this.#take(text);
        if (joined) return joined.type === "met" ? joined : undefined;
      }
    }
    if (this.#junction) await this.#append(this.#junction.parts().before);
    return this.#junction === undefined && files.length > 0 ? { leaveOut: 0 } : undefined;
  }

  async *#read(file: string): AsyncGenerator<Buffer> {
    const body = await this.#deps.client.open(`${directoryOf(this.#run)}${file}`, {}, this.#deps.signal);
    // Its error comes out of the iteration; the callback is there because pipeline wants one.
    const plain = file.endsWith(".gz") ? pipeline(body, createGunzip(), () => {}) : body;
    for await (const bytes of plain as AsyncIterable<Buffer>) yield redacted(this.#cri.push(bytes), this.#deps.redact);
  }

  async #take(text: Buffer): Promise<Exclude<Joined, { type: "before" }> | undefined> {
    const fresh = this.#alignment ? this.#align(this.#alignment, text) : text;
    if (!fresh) return undefined;
    if (!this.#junction) return void (await this.#append(fresh));
    const joined = this.#junction.push(fresh);
    await this.#append(joined.text);
    if (joined.type === "passed") await this.#append(this.#junction.parts().before);
    return joined.type === "before" ? undefined : joined;
  }

  #align(alignment: Alignment, text: Buffer): Buffer | undefined {
    const aligned = alignment.push(text);
    if (!aligned) return undefined;
    this.#alignment = undefined;
    if (aligned.type === "continuous") return aligned.text;
    // Even the oldest file begins behind the log's end: what there is is taken, and the loss is smaller.
    const to = timeAt(aligned.text, 0);
    this.#writer.declare({ ...(to && { to }), cause: "rotated", words: gapWords("rotated") });
    return aligned.text;
  }
}
