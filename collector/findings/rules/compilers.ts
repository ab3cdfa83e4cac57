import { PRIORITY, type Rule } from "../rule.ts";

/** Compilers and linkers: the first error is the cause, the others often follow from it. */
const COMPILE = PRIORITY.code + 5;
const LINK = PRIORITY.code + 3;

const INDENTED = /^\s/;

export const COMPILERS: Rule[] = [
  {
    name: "compiler",
    priority: COMPILE,
    pick: "first",
    keywords: ["error:", " - error "],
    match: [/^[^\s:]{1,300}:\d{1,7}(?::\d{1,5})?(?:: (?:fatal |internal |syntax )?error:| - error )/],
    not: [/^\d/, /: error: in file included from/],
    group: { more: INDENTED },
  },
  {
    // About no place in a file: an option, a missing input, memory.
    name: "compiler-driver",
    priority: LINK - 1,
    pick: "first",
    keywords: [
      "nvcc fatal",
      "ptxas fatal",
      "ptxas error",
      "clang: error",
      "clang++: error",
      "gcc: error",
      "g++: error",
      "gcc: fatal",
      "g++: fatal",
    ],
    match: [
      /^(?:[\w.+-]{1,40}[ -])?(?:nvcc|ptxas|clang|clang\+\+|gcc|g\+\+) {0,3}:? {0,3}(?:fatal error|fatal|error) {0,4}: \S/,
    ],
    not: [/linker command failed|unable to execute command|ld returned/],
  },
  {
    name: "compiler-parenthesis",
    priority: COMPILE,
    pick: "first",
    keywords: ["): error", ") : error", "): fatal error", ") : fatal error"],
    match: [/^[^\s(][^(]{0,300}\([\d,]{1,24}\)\s?: (?:fatal )?error(?: [A-Z]{1,6}\d{1,5})?\s?:/],
  },
  {
    name: "rust",
    priority: COMPILE,
    pick: "first",
    keywords: ["error["],
    match: [/^error\[E\d{4}\]/],
    group: { more: /^(?:\s|\d{1,7}\s{0,8}\|)/ },
  },
  {
    name: "rust-plain",
    priority: COMPILE - 1,
    pick: "first",
    keywords: ["error:"],
    match: [
      /^error: (?:expected|unexpected|cannot find|unused|mismatched|this file contains|unclosed|linking with|macro|no rules|unknown|missing|format|invalid|unresolved|failed to (?:parse|load|select|get|resolve)|no matching|package|custom attribute|proc.macro|environment variable)/,
    ],
    not: [/could not compile|aborting due to|unknown (?:command|option|flag|argument)/, /package .{1,60} failed/],
    group: { more: /^(?:\s|\d{1,7}\s{0,8}\|)/ },
  },
  {
    name: "go",
    priority: COMPILE,
    pick: "first",
    keywords: [".go:"],
    match: [/^(?:vet: )?[\w./@~-]{1,300}\.go:\d{1,7}:\d{1,5}: \S/],
    not: [/: (?:warning|note|info)\b/i, / \([a-z][\w-]{1,40}\)$/],
    group: { more: /^(?:\t|\s{4})/ },
  },
  {
    name: "jvm",
    priority: COMPILE,
    pick: "first",
    keywords: [".java:[", ".kt:[", ".scala:", ".groovy:"],
    match: [/^\/?[^\s:]{1,300}\.(?:java|kt|scala|groovy):(?:\[\d{1,7},\d{1,5}\]|\d{1,7}:(?:\d{1,5}:)?) \S/],
    not: [/ warning:|\[(?:WARNING|warn)\]/],
    group: { more: INDENTED },
  },
  {
    name: "protobuf",
    priority: COMPILE,
    pick: "first",
    keywords: [".proto:"],
    match: [/^[^\s:]{1,300}\.proto:\d{1,7}:\d{1,5}: ?\S/],
    not: [/: warning:/],
  },
  {
    name: "kotlin",
    priority: COMPILE,
    pick: "first",
    keywords: ["e: file:", "e: /"],
    match: [/^e: (?:file:\/\/)?\/?[^\s:]{1,300}\.kts?:\s?[(\d]/],
  },
  {
    name: "compiler-location-first",
    priority: COMPILE - 1,
    pick: "first",
    keywords: ["error: ", "Error: ", "rror in ", "rror at "],
    match: [/^(?:error|Error|[Ss]yntax ?[Ee]rror)(?: in|:| at) ?[^\s:]{1,300}:\d{1,7}(?::\d{1,5})?[:, ]/],
  },
  {
    name: "bundler",
    priority: COMPILE - 1,
    pick: "first",
    keywords: ["ERROR in ", "[ERROR]", "Module not found", "Cannot find module", 'Could not resolve "'],
    match: [
      /^(?:ERROR in \S|(?:. )?\[ERROR\] \S|(?:Error: )?Module not found: |(?:Error: )?Cannot find module '|Could not resolve ")/,
    ],
    not: [/\[ERROR\] .{0,60}(?:BUILD|Failed to execute goal)/],
    group: { more: INDENTED },
  },
  {
    name: "linker",
    priority: LINK,
    pick: "first",
    keywords: [
      "LINK : ",
      "MSBUILD : error",
      "loading shared libraries",
      "undefined reference",
      "undefined symbol",
      "multiple definition",
      "ld: error",
      "unresolved external",
      "Undefined symbols",
      "ld: cannot find",
      "duplicate symbol",
    ],
    match: [
      /undefined (?:reference to|symbol)|multiple definition of|\bld(?:\.\w{1,8})?: (?:error|cannot find)|unresolved external symbol|^Undefined symbols|duplicate symbol|^LINK : fatal error |^MSBUILD : error |error while loading shared libraries: /,
    ],
    not: [/^(?:warning|note)\b/i],
  },
];
