import { PRIORITY, type Rule } from "../rule.ts";

/** How the codes of flake8, Ruff, Pylint, Bandit, ShellCheck and Hadolint begin behind a place in a file. */
const CODES = [..."EFWCRBSNDIU"].flatMap((letter) => [..."0123456789"].map((digit) => `: ${letter}${digit}`));

const LINT = PRIORITY.test + 4;

/** Linters and formatters. */
export const LINTERS: Rule[] = [
  {
    name: "lintrunner",
    priority: LINT + 1,
    pick: "last",
    keywords: [">>> Lint for ", " Lint for "],
    match: [/^>>> Lint for \S/],
    group: { more: /^(?:\s|$)/ },
  },
  {
    name: "lint-file",
    priority: LINT,
    pick: "first",
    keywords: [" error ", "✖  "],
    match: [/^\d{1,7}:\d{1,6} {1,8}(?:error|✖) {1,8}\S/],
  },
  {
    name: "lint-code",
    priority: LINT,
    pick: "first",
    keywords: [...CODES, ": SC", ": DL"],
    match: [/^[^\s:]{1,300}:\d{1,7}:(?:\d{1,6}:)? \[?[A-Z]{1,4}\d{2,5}\b/],
    group: { more: /^(?:\s|$)/ },
  },
  {
    // markdownlint, Hadolint
    name: "lint-code-only",
    priority: LINT,
    pick: "first",
    keywords: [" MD0", " DL3", " DL4", " SC1", " SC2"],
    match: [/^[^\s:]{1,300}:\d{1,7}(?::\d{1,6})? (?:error )?(?:MD|DL|SC)\d{3,4}\b/],
  },
  {
    name: "codespell",
    priority: LINT,
    pick: "first",
    keywords: [" ==> "],
    match: [/^[^\s:]{1,300}:\d{1,7}: \S{1,60} ==> \S/],
  },
  {
    name: "generated-files",
    priority: PRIORITY.named,
    pick: "last",
    keywords: [
      "out of date",
      "up to date",
      "up-to-date",
      "lease run ",
      "git diff",
      "heckout dirty",
      "tree is dirty",
      "uncommitted changes",
    ],
    match: [
      /\b(?:is|are) (?:out of date|not up[- ]to[- ]date)\b|(?:checkout|tree)(?: is)? dirty\b|\buncommitted changes\b|[Pp]lease (?:re-?)?run ['"`]?(?:make|hack|go|npm|\.\/)/,
    ],
    not: [/^npm |\bwarn/i],
  },
  {
    name: "golangci-lint",
    priority: LINT,
    pick: "first",
    keywords: [".go:"],
    match: [/^[\w./@-]{1,300}\.go:\d{1,7}(?::\d{1,6})?: .{1,600} \([a-z][\w-]{1,40}\)$/],
    group: { more: /^(?:\s|$)/ },
  },
  {
    name: "shellcheck",
    priority: LINT,
    pick: "first",
    keywords: [" line "],
    match: [/^In \S{1,300} line \d{1,7}:$/],
    group: { more: /\S/, lead: /SC\d{4} \((?:error|warning|info|style)\): / },
  },
  {
    name: "biome",
    priority: LINT,
    pick: "first",
    keywords: [" lint/", " parse ", " format ", " assist/"],
    match: [
      /^[\w./@-]{1,300}(?::\d{1,7}:\d{1,6})? (?:lint\/\w{1,40}\/\w{1,60}|format|parse|assist\/\S{1,80}) .{0,40}━{2}/,
    ],
    group: { more: /^(?:\s|$)/ },
  },
  {
    name: "sphinx",
    priority: LINT,
    pick: "first",
    keywords: ["Warning, treated as error", "Extension error", "Sphinx error", "Configuration error", "Theme error"],
    match: [/^(?:Warning, treated as error|Extension error|Sphinx error|Configuration error|Theme error)\b/],
    group: { more: /^\S/, lead: /:\d{1,7}:/ },
  },
  {
    name: "pre-commit",
    priority: LINT - 1,
    pick: "first",
    keywords: ["..Failed"],
    match: [/^[^.]{1,120}\.{3,120}Failed$/],
  },
  {
    name: "format-needed",
    priority: LINT - 1,
    pick: "first",
    keywords: [
      "would reformat ",
      "[warn] ",
      "Diff in ",
      "needs formatting",
      "not formatted",
      "files need",
      "hook id",
      "Code style issues",
      "incorrectly formatted",
    ],
    match: [
      /^\[warn\] \S{1,300}\.\w{1,8}$|^[Ww]ould reformat(?::| )|^Diff in \S{1,300}(?: at line|:\d)|needs formatting|(?:is|are) not (?:properly )?formatted|Code style issues found/,
    ],
  },
  {
    name: "lint-count",
    priority: PRIORITY.consequence + 2,
    pick: "last",
    keywords: [" problem", "Lint failed", "lint failed", "Found ", "issues found"],
    match: [/^✖ \d{1,6} problems?|[Ll]int failed|^Found [1-9]\d{0,6} errors?/],
  },
];
