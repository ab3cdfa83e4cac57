import { describe, expect, test } from "vitest";
import { ConfigError } from "../../settings.ts";
import { parseViewerConfig } from "../../viewer/config.ts";

const problems = (env: Record<string, string>): readonly string[] => {
  try {
    parseViewerConfig(env, "/srv");
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

describe("settings of the viewer", () => {
  test("nothing set is a viewer for its own machine", () => {
    expect(parseViewerConfig({}, "/srv/with space")).toEqual({
      store: "file:///srv/with%20space/archive-data",
      namespaces: "*",
      maxReaders: 4_000,
      host: "127.0.0.1",
      port: 8080,
      cacheBytes: 32 * 1024 * 1024,
    });
  });

  test("all of them", () => {
    const env = {
      AFTERLOG_STORE: "s3://bucket/prefix",
      AFTERLOG_NAMESPACES: " tekton-ci, releases ,tekton-ci",
      AFTERLOG_HOST: "0.0.0.0",
      AFTERLOG_PORT: "0",
      AFTERLOG_CACHE_MIB: "0",
      AFTERLOG_URL: "https://logs.example.org/",
      AFTERLOG_LIVE_READERS: "50",
    };
    expect(parseViewerConfig(env)).toEqual({
      store: "s3://bucket/prefix",
      namespaces: ["tekton-ci", "releases"],
      maxReaders: 50,
      host: "0.0.0.0",
      port: 0,
      cacheBytes: 0,
      url: "https://logs.example.org",
    });
  });

  test.each(["", " , ", ","])("an empty list of namespaces (%j) is an error that names the setting", (list) => {
    expect(problems({ AFTERLOG_NAMESPACES: list })).toEqual([
      expect.stringMatching(/^AFTERLOG_NAMESPACES is empty.*AFTERLOG_NAMESPACES=tekton-ci/),
    ]);
  });

  test.each([
    ["127.0.0.1", 0],
    ["127.8.0.1", 0],
    ["::1", 0],
    ["localhost", 0],
    ["0.0.0.0", 1],
    ["10.0.0.1", 1],
    ["::", 1],
    ["127.0.0.1.evil.example", 1],
  ])("on %s leaving out the namespaces is %i problem", (host, count) => {
    expect(problems({ AFTERLOG_HOST: host })).toHaveLength(count);
  });

  test("all problems at once, each naming its setting with an example", () => {
    const found = problems({
      AFTERLOG_STORE: "ftp://user:secret@host",
      AFTERLOG_NAMESPACES: "Bad_Name,*",
      AFTERLOG_PORT: "65536",
      AFTERLOG_URL: "https://host/path",
    });
    expect(found.map((problem) => problem.split(" ")[0])).toEqual([
      "AFTERLOG_STORE",
      "AFTERLOG_NAMESPACES",
      "AFTERLOG_PORT",
      "AFTERLOG_URL",
    ]);
    for (const problem of found) expect(problem).toMatch(/Example: AFTERLOG_/);
    expect(found.join()).not.toContain("secret");
  });
});
