import { spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { parseCommand, USAGE, UsageError } from "../../collector/command-line.ts";
import { FINALIZER } from "../../collector/finalizer.ts";
import { createSimulator, resources } from "../simulator/index.ts";

const ROOT = resolve(import.meta.dirname, "../..");

describe("the collector's arguments", () => {
  test.each([
    [[], "collect"],
    [["--remove-finalizers"], "remove-finalizers"],
    [["--help"], "help"],
    [["-h"], "help"],
    [["--remove-finalizers", "--help"], "help"],
  ])("%j mean %s", (args, command) => {
    expect(parseCommand(args)).toBe(command);
  });

  test.each([
    [["--remove-finalizer"], "--remove-finalizer"],
    [["--remove-finalizers=yes"], "--remove-finalizers=yes"],
    [["--remove-finalizers", "default"], "default"],
    [["-x"], "-x"],
  ])("%j are refused by name, with the usage", (args, name) => {
    expect(() => parseCommand(args)).toThrow(UsageError);
    expect(() => parseCommand(args)).toThrow(`"${name}"`);
    expect(() => parseCommand(args)).toThrow(USAGE);
  });
});

describe("the collector's process", () => {
  async function run(args: string[], kubeconfig = "") {
    const folder = mkdtempSync(join(tmpdir(), "afterlog-command-"));
    const KUBECONFIG = join(folder, "kubeconfig");
    writeFileSync(KUBECONFIG, kubeconfig);
    const child = spawn(process.execPath, ["collector/main.ts", ...args], {
      cwd: ROOT,
      env: { PATH: process.env.PATH ?? "", HOME: folder, KUBECONFIG },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended = Promise.withResolvers<number | null>();
    child.once("exit", ended.resolve);
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    return { code: await ended.promise, out, err };
  }

  test("prints how it is used when asked, and refuses what it does not know", async () => {
    expect(await run(["--help"])).toEqual({ code: 0, out: `${USAGE}\n`, err: "" });
    const { code, out, err } = await run(["--remove"]);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/does not know the argument "--remove"\.\n\nUsage: /);
    expect(err).not.toMatch(/\n\s+at /);
  });

  test("takes the finalizers off, and ends with 1 while some could not be", async () => {
    const simulator = await createSimulator();
    try {
      const finalizers = () => simulator.store.list(resources.taskruns).map(({ metadata }) => metadata.finalizers);
      // More than one page of a list.
      for (let n = 0; n < 510; n++)
        simulator.store.create(resources.taskruns, {
          apiVersion: "",
          kind: "",
          metadata: { namespace: `ns-${n % 3}`, name: `t${n}`, finalizers: ["a", FINALIZER, "b"] },
        });
      const fault = { kind: "status", code: 403 } as const;
      simulator.faults.add({ on: "write", verb: "patch", name: "t7", fault });
      const first = await run(["--remove-finalizers"], simulator.kubeconfig);
      expect([first.code, first.err]).toEqual([1, ""]);
      expect(first.out).toMatch(/from 509 TaskRuns\.\nThese could not .*\n {2}ns-1\/t7: .*forbidden/);
      const second = await run(["--remove-finalizers"], simulator.kubeconfig);
      expect(second).toEqual({ code: 0, out: `Removed the finalizer ${FINALIZER} from 1 TaskRun.\n`, err: "" });
      expect(finalizers()).toEqual(finalizers().map(() => ["a", "b"]));
    } finally {
      await simulator.close();
    }
  }, 30_000);
});
