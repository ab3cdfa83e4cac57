import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { MAX_FINDINGS } from "../../../archive/findings.ts";
import { CI_LOGS, FAILURES, measureFailures, measureRecall, sharedExists, type Verdict } from "./known-failures.ts";

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

if (!existsSync(CI_LOGS) && !mustRun)
  test.skip(`known error lines (skipped: no folder ${CI_LOGS}, AFTERLOG_CI_LOGS names another)`);
else
  test("of the error lines that Mozilla's viewer knows, one leads and most that fit are kept", () => {
    for (const { file, known, kept, leadingIsKnown } of measureRecall()) {
      expect(leadingIsKnown, file).toBe(true);
      expect(kept, file).toBeGreaterThanOrEqual(Math.min(known, MAX_FINDINGS) - 1);
    }
  }, 60_000);
