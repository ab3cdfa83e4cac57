import { expect } from "vitest";

/** Milliseconds of the processor: a machine that is busy with other things does not count. */
function spent(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

/** Fails when the work grows with the square of the length: then eight times the bytes would take 64 times as long. */
export function expectLinear(work: (length: number) => void, length: number): void {
  const best = (bytes: number) => Math.min(...Array.from({ length: 3 }, () => spent(() => work(bytes))));
  best(length);
  const once = best(length);
  const twice = best(2 * length);
  const eightfold = best(8 * length);
  // The allowance is for times too short to measure.
  expect(twice, `${once} ms for the half`).toBeLessThan(3 * once + 25);
  expect(eightfold, `${once} ms for an eighth`).toBeLessThan(24 * once + 50);
}
