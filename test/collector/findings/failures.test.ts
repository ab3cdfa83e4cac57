import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FAILURES, measureFailures, sharedExists, type Verdict } from "./known-failures.ts";

/** Other people's logs stay where they are: without them this is shown as skipped, but not in CI that should have them. */
const isThere = existsSync(FAILURES);
const mustRun = process.env.CI !== undefined && sharedExists;

if (!isThere && !mustRun) test.skip(`real failures (skipped: no folder ${FAILURES}, AFTERLOG_FAILURES names another)`);
else
  describe("real failures", () => {
    const share = (...verdicts: Verdict[]) => {
      const measured = measureFailures();
      return measured.filter(({ verdict }) => verdicts.includes(verdict)).length / measured.length;
    };

    test("lead with the line that explains them in at least 90 %", () => {
      expect(share("hit")).toBeGreaterThanOrEqual(0.9);
    });

    test("lead into its block in at least 95 %", () => {
      expect(share("hit", "in block")).toBeGreaterThanOrEqual(0.95);
    });
  });
