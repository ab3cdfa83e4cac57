import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Figure, table } from "./figure.ts";
import { measureStream } from "./stream.ts";

const GROUPS: Record<string, (folder: string) => Promise<Figure[]>> = {
  stream: measureStream,
};

/** Every performance figure beside its rival, measured in one run; the arguments choose among the groups. */
async function main(): Promise<void> {
  const names = process.argv.slice(2);
  const unknown = names.filter((name) => !(name in GROUPS));
  if (unknown.length > 0) {
    throw new Error(`there is no ${unknown.join(", ")}; choose among ${Object.keys(GROUPS).join(", ")}`);
  }
  const folder = await mkdtemp(join(tmpdir(), "afterlog-bench-"));
  const figures: Figure[] = [];
  try {
    for (const [name, measure] of Object.entries(GROUPS)) {
      if (names.length > 0 && !names.includes(name)) continue;
      console.error(`measuring ${name} …`);
      try {
        const own = join(folder, name);
        await mkdir(own);
        figures.push(...(await measure(own)));
        await rm(own, { recursive: true });
      } catch (error) {
        console.error(`${name} could not be measured:`, error);
        process.exitCode = 1;
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  console.log(table(figures));
}

await main();
