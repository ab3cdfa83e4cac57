import { rmSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureDelay } from "./delay.ts";
import { type Figure, table } from "./figure.ts";
import { measureMemory } from "./memory.ts";
import { measureSearch } from "./search.ts";
import { measureStart } from "./start.ts";
import { measureStream } from "./stream.ts";
import { measureTerminal } from "./terminal.ts";
import { measureViewer } from "./viewer.ts";

/** `folder` is the group's own; what is in `shared` stays for the groups after it. */
type Group = (folder: string, shared: string) => AsyncGenerator<Figure>;

const GROUPS: Record<string, Group> = {
  stream: measureStream,
  delay: measureDelay,
  memory: measureMemory,
  start: measureStart,
  terminal: measureTerminal,
  search: measureSearch,
  viewer: measureViewer,
};

/**
 * Every performance figure beside its rival, measured in one run; the arguments choose among the groups. The exit code
 * is 1 only if something could not be measured.
 */
async function main(): Promise<void> {
  const names = process.argv.slice(2);
  const unknown = names.filter((name) => !(name in GROUPS));
  if (unknown.length > 0) {
    console.error(`there is no ${unknown.join(", ")}; choose among ${Object.keys(GROUPS).join(", ")}`);
    process.exitCode = 1;
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), "afterlog-bench-"));
  // Also after a signal; a collector that is being killed may still be writing there.
  process.once("exit", () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

  const shared = join(folder, "shared");
  const figures: Figure[] = [];
  for (const [name, measure] of Object.entries(GROUPS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.error(`measuring ${name} …`);
    const own = join(folder, name);
    await mkdir(own);
    try {
      for await (const figure of measure(own, shared)) figures.push(figure);
    } catch (error) {
      console.error(`${name} could not be measured:`, error);
      process.exitCode = 1;
    }
    await rm(own, { recursive: true });
  }
  console.log(table(figures));
}

await main();
