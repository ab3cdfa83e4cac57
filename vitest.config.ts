import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** One file at a time: they share one cluster, one browser, two cores. */
const project = (name: string, include: string[], testTimeout: number) => ({
  test: { name, include, testTimeout, hookTimeout: testTimeout, fileParallelism: false },
});

/** One project needs Node alone; each other one names the real thing it needs. */
export default defineConfig({
  test: {
    // By its default vitest leaves one core idle: of two, half of the machine.
    maxWorkers: availableParallelism(),
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/real/**", "node_modules/**"],
          testTimeout: 20_000,
          // The files of one worker share what they import: loading it anew for each took a third of the time.
          isolate: false,
        },
      },
      { test: { name: "chaos", include: ["test/chaos/**/*.chaos.ts"], testTimeout: 60_000 } },
      project("stores", ["test/real/stores/**/*.test.ts"], 60_000),
      project("cluster", ["test/real/cluster/**/*.test.ts"], 420_000),
      project("browser", ["test/real/browser/**/*.test.ts"], 60_000),
    ],
  },
});
