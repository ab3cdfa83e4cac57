import { describe, expect, it } from "vitest";
import { ContainerRun } from "./container-run.ts";
import { LogFollower, readOnce } from "./log-follower.ts";

const follow = (
  run: ContainerRun,
  { acquireWatcher = () => ({ release: () => undefined }) as const, flowing = true } = {},
) => {
  const seen: string[] = [];
  let ended: string | boolean = false;
  const state = { flowing };
  const follower = new LogFollower(
    run,
    {
      write: (bytes) => {
        seen.push(...Buffer.from(bytes).toString().trimEnd().split("\n"));
        return state.flowing;
      },
      end: (error) => {
        ended = error ?? true;
      },
    },
    { timestamps: false, acquireWatcher },
  );
  follower.start();
  return { follower, seen, state, ended: () => ended };
};

const newRun = (options = {}): ContainerRun => {
  let now = 0n;
  return new ContainerRun({ nowNs: () => (now += 1_000_000n), restart: 0, ...options });
};

const read = (run: ContainerRun, options = {}): string =>
  Buffer.from(readOnce(run, { timestamps: false, ...options })).toString();

const truth = (run: ContainerRun): string[] =>
  run
    .truth()
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => line.slice(31));

describe("a follow", () => {
  it("gives what is there, then what comes, and ends with the container", () => {
    const run = newRun();
    run.writeLine("a");
    const { seen, ended } = follow(run);
    run.writeLine("b");
    expect(ended()).toBe(false);
    run.exit(0);
    expect({ seen, ended: ended() }).toEqual({ seen: ["a", "b"], ended: true });
  });

  it("sees every line across a rotation when it keeps up", () => {
    const run = newRun({ maxFileBytes: 100 });
    const { seen } = follow(run);
    for (let line = 0; line < 50; line++) run.writeLine(`line ${line}`);
    expect(run.rotatedFiles.length).toBe(4);
    expect(seen).toEqual(truth(run));
    expect(read(run)).not.toContain("line 40\n");
  });

  it("loses what is written into the old file after the new one exists (§5a)", () => {
    const run = newRun();
    const { seen } = follow(run);
    run.writeLine("a");
    run.beginRotation();
    run.writeLine("late");
    run.endRotation();
    run.writeLine("b");
    expect(seen).toEqual(["a", "b"]);
    expect(truth(run)).toEqual(["a", "late", "b"]);
  });

  it("skips a file when it is two rotations late (§5b)", () => {
    const run = newRun();
    const { follower, seen } = follow(run);
    follower.pause();
    for (const line of ["a", "b", "c"]) {
      run.writeLine(line);
      if (line !== "c") run.rotate();
    }
    follower.unpause();
    expect(seen).toContain("a");
    expect(seen).not.toContain("b");
    expect(seen).toContain("c");
  });

  it("reads the newest file twice after two rotations that it handles late", () => {
    const run = newRun();
    const { follower, seen } = follow(run);
    follower.pause();
    run.rotate();
    run.writeLine("between");
    run.rotate();
    run.writeLine("newest");
    follower.unpause();
    expect(seen).toEqual(["newest", "newest"]);
  });

  it("reads it once when nothing was written between them: equal events are merged", () => {
    const run = newRun();
    const { follower, seen } = follow(run);
    follower.pause();
    run.rotate();
    run.rotate();
    run.writeLine("newest");
    follower.unpause();
    expect(seen).toEqual(["newest"]);
  });

  it("drains only the old file when the container exits just after a rotation (§5c)", () => {
    const run = newRun();
    const { follower, seen, ended } = follow(run);
    follower.pause();
    run.writeLine("a");
    run.rotate();
    run.writeLine("b");
    run.exit(0);
    follower.unpause();
    expect({ seen, ended: ended() }).toEqual({ seen: ["a"], ended: true });
  });

  it("never notices a rotation from before its first end of file", () => {
    const run = newRun();
    run.writeLine("a");
    run.writeLine("b");
    const { follower, state, seen } = follow(run, { flowing: false });
    run.rotate();
    run.writeLine("c");
    state.flowing = true;
    follower.resume();
    run.writeLine("d");
    expect(seen).toEqual(["a", "b"]);
  });

  it("waits for a slow reader", () => {
    const run = newRun();
    const { follower, state, seen } = follow(run, { flowing: false });
    for (const line of ["a", "b", "c"]) run.writeLine(line);
    expect(seen).toEqual(["a"]);
    state.flowing = true;
    follower.resume();
    expect(seen).toEqual(["a", "b", "c"]);
  });

  it("ends with kubelet's text when the node has no inotify instance left", () => {
    const run = newRun();
    run.writeLine("a");
    const { seen, ended } = follow(run, { acquireWatcher: () => ({ error: "too many open files" }) as never });
    expect({ seen, ended: ended() }).toEqual({ seen: ["a"], ended: "too many open files" });
  });
});

describe("a read", () => {
  it("counts tailLines in entries, partial ones too", () => {
    const run = newRun();
    run.writeLine("x".repeat(20_000));
    run.writeLine("last");
    expect(read(run, { tailLines: 2 })).toBe(`${"x".repeat(20_000 - 16_384)}\nlast\n`);
  });

  it("has only the newest file", () => {
    const run = newRun();
    run.writeLine("a");
    run.rotate();
    expect(read(run)).toBe("");
  });

  it("keeps no more files than kubelet does", () => {
    const run = newRun({ maxFiles: 3 });
    for (let rotation = 0; rotation < 5; rotation++) run.rotate();
    expect(run.rotatedFiles.length).toBe(2);
  });
});
