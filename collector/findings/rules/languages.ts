import { PRIORITY, type Rule } from "../rule.ts";

/** Compilers and linkers: the first error is the cause, the others often follow from it. */
const COMPILE = PRIORITY.code + 5;
const LINK = PRIORITY.code + 3;

/** Exceptions that only say that something else failed. */
export const WRAPPERS = [
  /CalledProcessError|SystemExit|SubprocessError|ExecException|MojoExecutionException|BuildFailedException|MojoFailureException/,
  / failed!?\.?$/,
  /(?:non-?zero|exit(?:ed)?(?: with)?|with|returned) (?:exit )?(?:code|status|value)\b/i,
  /Error compiling objects|Failed to run |Command failed\b|subprocess/i,
];

const INDENTED = /^\s/;
const INDENTED_OR_EMPTY = /^(?:\s|$)/;

export const COMPILERS: Rule[] = [
  {
    name: "compiler",
    priority: COMPILE,
    pick: "first",
    keywords: ["error:", "error "],
    match: [/^[^\s:]{1,300}:\d{1,7}(?::\d{1,5})?(?: -|:) (?:fatal |internal |syntax )?error(?:[: ]|$)/],
    not: [/^\d/, /: error: in file included from/],
    group: { more: INDENTED },
  },
  {
    name: "compiler-parenthesis",
    priority: COMPILE,
    pick: "first",
    keywords: ["): error", ") : error", "): fatal error", ") : fatal error"],
    match: [/^[^\s(][^(]{0,300}\(\d{1,7}(?:,\d{1,5}){0,3}\)\s?: (?:fatal )?error(?: [A-Z]{1,6}\d{1,5})?\s?:/],
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
    name: "java-maven",
    priority: COMPILE,
    pick: "first",
    keywords: [".java:[", ".kt:[", ".scala:", ".groovy:"],
    match: [/^\/?[^\s:]{1,300}\.(?:java|kt|scala|groovy):(?:\[\d{1,7},\d{1,5}\]|\d{1,7}:) \S/],
    not: [/ warning:|\[(?:WARNING|warn)\]/],
    group: { more: INDENTED },
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
    match: [/^(?:error|Syntax ?Error)(?: in|:| at) ?[^\s:]{1,300}:\d{1,7}(?::\d{1,5})?[:, ]/i],
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
      /undefined (?:reference to|symbol)|multiple definition of|\bld(?:\.\w{1,8})?: (?:error|cannot find)|unresolved external symbol|^Undefined symbols|duplicate symbol/,
    ],
    not: [/^(?:warning|note)\b/i],
  },
];

export const EXCEPTIONS: Rule[] = [
  {
    name: "python-traceback",
    priority: PRIORITY.code + 1,
    pick: "last",
    keywords: ["Traceback (most recent call last)"],
    match: [/^(?:[|+-]\s{1,4}|Exception Group )?Traceback \(most recent call last\):/],
    group: { more: INDENTED_OR_EMPTY, closing: /^[A-Za-z_][\w.]{0,200}(?::|$)/ },
  },
  {
    name: "exception-wrapper",
    priority: PRIORITY.consequence + 3,
    pick: "last",
    keywords: ["Error", "Exception", "SystemExit"],
    match: [
      /^(?:Uncaught )?[A-Za-z_][\w.$]{0,200}(?:Error|Exception|Exit)(?:: |$)/,
      ...[new RegExp(WRAPPERS.map((wrapper) => wrapper.source).join("|"))],
    ],
    group: { more: /^\s{1,8}at / },
  },
  {
    name: "exception",
    priority: PRIORITY.code + 1,
    pick: "last",
    keywords: ["Error", "Exception", "KeyboardInterrupt"],
    match: [
      /^(?:Uncaught |Unhandled |Fatal Python error: )?[A-Za-z_][\w.$]{0,200}(?:Error|Exception|Interrupt)(?:: | \[\w{1,60}\]: |:?$)/,
    ],
    not: [...WRAPPERS, /^(?:Error|error|Exception)\b/, /^\w{1,40}Error: 0$/],
    group: {
      more: /^(?:\s{1,8}at |\s{1,8}\.\.\. \d{1,5} more|Caused by: |\s{4}\{|\s{2}\w{1,40}: |\s{1,8}Suppressed: |\}$)/,
      lead: /^Caused by: /,
    },
  },
  {
    name: "java-exception",
    priority: PRIORITY.code + 1,
    pick: "last",
    keywords: ["Exception in thread", "Caused by: "],
    match: [/^(?:Exception in thread |Caused by: )/],
    not: WRAPPERS,
    group: { more: /^(?:\s{1,8}at |\s{1,8}\.\.\. \d{1,5} more|Caused by: |\s{1,8}Suppressed: )/, lead: /^Caused by: / },
  },
  {
    name: "node-error",
    priority: PRIORITY.code,
    pick: "last",
    keywords: ["Error: "],
    match: [/^(?:Uncaught )?Error(?: \[\w{1,60}\])?: \S/],
    not: [...WRAPPERS, /^Error: Process completed/],
    group: { more: /^(?:\s{1,8}at |\s{2}\w{1,40}: |\s{1,4}\[?cause\]?: |\})/ },
  },
  {
    name: "go-panic",
    priority: PRIORITY.code + 2,
    pick: "last",
    keywords: ["panic: "],
    match: [/^panic: \S/],
    not: [/test timed out/],
    group: { more: /^(?:\s|$|goroutine |\[signal |[\w./-]{1,200}\(|created by |exit status)/ },
  },
  {
    name: "go-fatal",
    priority: PRIORITY.code + 2,
    pick: "last",
    keywords: ["fatal error: ", "DATA RACE"],
    match: [/^fatal error: (?!.{0,300}file not found)|^WARNING: DATA RACE/],
    group: {
      more: /^(?:\s|$|goroutine |\[signal |[\w./-]{1,200}\(|created by |Goroutine |Previous |Read at|Write at)/,
    },
  },
  {
    name: "rust-panic",
    priority: PRIORITY.code + 1,
    pick: "first",
    keywords: ["panicked at"],
    match: [/^(?:thread '[^']{0,200}'.{0,40}? |The application )?panicked at /],
    group: { more: /^(?!note: |stack backtrace|test |thread |failures:|----)\S/ },
  },
  {
    name: "crash",
    priority: PRIORITY.code + 2,
    pick: "last",
    exitCodes: [132, 134, 135, 136, 139],
    keywords: [
      "Segmentation",
      "egfault",
      "core dumped",
      "SIGSEGV",
      "SIGABRT",
      "SIGBUS",
      "SIGILL",
      "Sanitizer",
      "stack smashing",
      "double free",
      "runtime error",
      "terminate called",
      "Aborted",
      "Illegal instruction",
      "Bus error",
      "Fatal Python error",
      "FATAL ERROR:",
      "Assertion",
      "PROCESS-CRASH",
    ],
    match: [
      /^(?:.{0,120}: )?(?:line \d{1,6}: .{0,40})?(?:Segmentation fault|Aborted|Illegal instruction|Bus error)|(?:Segmentation fault|Aborted|Illegal instruction|Bus error) {0,20}\(core dumped\)|signal SIG(?:SEGV|ABRT|BUS|ILL)|^(?:=={1,6}\d{1,9}=={1,6}\s?)?(?:SUMMARY|ERROR): \w{1,20}Sanitizer|runtime error: |\*\*\* (?:stack smashing|Error in)|double free or|^terminate called|^Fatal Python error|^(?:<--- |FATAL ERROR: )|Assertion (?:`|'|failed|failure)|^PROCESS-CRASH/,
    ],
    not: [/_test\.go|^PASS/, /^Fatal Python error: (?:Segmentation fault)?$/],
  },
  {
    name: "interpreter",
    priority: PRIORITY.code + 2,
    pick: "first",
    keywords: [
      "Fatal error: ",
      "Parse error: ",
      "syntax error",
      "(LoadError)",
      "(NameError)",
      "(NoMethodError)",
      "(SyntaxError)",
      "(RuntimeError)",
      "SyntaxError",
      "(ArgumentError)",
      "(TypeError)",
    ],
    match: [
      /^(?:PHP )?(?:Fatal|Parse) error: |^[^\s:]{1,300}:\d{1,7}:.{0,400}\((?:\w{1,60}::)?\w{1,40}Error\)$|^[^\s:]{1,300}:\d{1,7}: syntax error/,
    ],
    not: [/^(?:sh|bash|dash): /, /near unexpected token/],
    group: { more: INDENTED },
  },
];
