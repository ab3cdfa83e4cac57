import { expect, test } from "vitest";
import type { Severity } from "../../archive/findings.ts";
import { namedSeverity } from "../../archive/severity.ts";

const lines: [string, Severity | undefined][] = [
  // 1 explicit markers
  ["::error::the release needs an approval", "error"],
  ["::error file=a.go,line=3,title=Test::failed", "error"],
  ["::warning::slow", "warning"],
  ["::notice::deployed", "notice"],
  ["::info::deployed", "notice"],
  ["::debug::DEBUG INFO ERROR", "debug"],
  ["##[error]Process completed with exit code 1.", "error"],
  ["##[warning]ERROR: this was retried", "warning"],
  ["##[debug]Evaluating: success()", "debug"],
  ["[taskcluster:error] exit status 2", "error"],
  ["[taskcluster:warn 2025-02-13T12:46:09.200Z] no such process", "warning"],
  ["2026-07-30T10:00:00.1234567Z ##[error]timed out", "error"],
  // 2 klog
  ["I0730 10:00:00.000001       1 main.go:20] ERROR budget", "notice"],
  ["W0730 10:00:00.000001       1 main.go:20] slow", "warning"],
  ["E0730 10:00:00.000001       1 main.go:20] broken", "error"],
  ["F0730 10:00:00.000001       1 main.go:20] gone", "error"],
  // 3 JSON
  ['{"level":"info","msg":"ERROR: no"}', "notice"],
  ['{"time":"2026-07-30","severity": "ERROR","message":"x"}', "error"],
  ['{"@t":"2026-07-30","@l":"Debug"}', "debug"],
  ['{"log.level":"warn"}', "warning"],
  // 4 logfmt
  ['time="2026-07-30T10:00:00Z" level=warning msg="ERROR: retried"', "warning"],
  ["ts=2026 lvl=error msg=x", "error"],
  ["my.level=error-page", undefined],
  // 5 [ERROR] and ERROR:
  ["[ERROR] COMPILATION ERROR :", "error"],
  ["[WARN] old", "warning"],
  ["ERROR: failed to solve", "error"],
  ["error[E0308]: mismatched types", "error"],
  ["main.c:4:20: error: 'total' undeclared", "error"],
  ["main.c:4:20: warning: unused", "warning"],
  ["bad.ts(1,7): error TS2322: Type", "error"],
  ["DEBUG: error: cannot", "unknown"],
  ["ERRO[0008] While applying layer", "error"],
  ["WARN[0001] path uses old sbin", "warning"],
  // 6 capitals near the start
  ["2026-07-30 10:00:00,123 INFO root starting", "notice"],
  ["10:00:00     INFO - GECKO(964) | Marionette DEBUG Closed", "unknown"],
  ["10:00:00  WARNING - slow", "warning"],
  [`${"x".repeat(100)} ERROR`, undefined],
  // none
  ["no errors, 0 failures", undefined],
  ["cc -Wall -Werror -Wno-error=unused -c error.c", undefined],
  ["test_error_handling ... ok", undefined],
  ["ERROR_PAGE=1", undefined],
  ["TERROR", undefined],
  ["", undefined],
];

test.each(lines)("%j names %s", (line, severity) => {
  expect(namedSeverity(line)).toBe(severity);
});
