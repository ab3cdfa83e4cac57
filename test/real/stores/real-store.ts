import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";

/**
 * Runs the tests against the store whose URL the variable holds. Without it they are shown as skipped, and fail in
 * CI, where nobody would notice that they never run.
 */
export function withRealStore(variable: string, name: string, tests: (url: string) => void): void {
  const url = process.env[variable];
  if (url) {
    describe(name, () => tests(url));
    return;
  }
  const remedy = `${variable} is not set, see CONTRIBUTING.md on stores for tests`;
  if (process.env.CI) test(name, () => expect.fail(remedy));
  else test.skip(`${name} (skipped: ${remedy})`);
}

/** The same store below a prefix that no other run uses. */
export function belowRandomPrefix(url: string): string {
  const below = new URL(url);
  below.pathname = `${below.pathname.replace(/\/$/, "")}/prefixed-${randomBytes(4).toString("hex")}/in it`;
  return below.href;
}

export function withBucket(url: string, bucket: string): string {
  return url.replace(/(?<=:\/\/)[^/?]+/, bucket);
}
