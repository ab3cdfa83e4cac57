import { PRIORITY, type Rule } from "../rule.ts";

/** Exceptions that only say that something else failed. */
const WRAPPERS = [
  /CalledProcessError|SystemExit|SubprocessError|ExecException|MojoExecutionException|BuildFailedException|MojoFailureException/,
  / failed!?\.?$/,
  /(?:[Nn]on-?zero|[Ee]xit(?:ed)?(?: with)?|with|returned) (?:exit )?(?:code|status|value)\b/,
  /Error compiling objects|Failed to run |[Cc]ommand failed\b|[Ss]ubprocess/,
];

const INDENTED = /^\s/;
const INDENTED_OR_EMPTY = /^(?:\s|$)/;

/** Tried before all others: the text of what failed, which such a line often quotes, must not pass for its own. */
export const EXCEPTION_WRAPPER: Rule = {
  name: "exception-wrapper",
  priority: PRIORITY.consequence + 3,
  pick: "last",
  keywords: ["Error", "Exception", "SystemExit"],
  match: [
    /^(?:Uncaught )?[A-Za-z_][\w.$]{0,200}(?:Error|Exception|Exit)(?:: |$)/,
    new RegExp(WRAPPERS.map((wrapper) => `(?:${wrapper.source})`).join("|")),
  ],
  not: [/SIGKILL|\b137\b/],
  group: { more: /^\s{1,8}at / },
};

export const EXCEPTIONS: Rule[] = [
  {
    name: "python-traceback",
    priority: PRIORITY.code + 1,
    pick: "last",
    keywords: ["Traceback (most recent call last)"],
    match: [/^(?:Exception Group )?Traceback \(most recent call last\):/],
    group: { more: INDENTED_OR_EMPTY, closing: /^[A-Za-z_][\w.]{0,200}(?::|$)/ },
  },
  {
    name: "exception",
    priority: PRIORITY.code + 1,
    pick: "last",
    keywords: ["Error", "Exception", "KeyboardInterrupt"],
    match: [
      /^(?:Uncaught |Unhandled |Sorry: |Fatal Python error: )?[A-Za-z_][\w.$]{0,200}(?:Error|Exception|Interrupt)(?:: | \[\w{1,60}\]: |:?$)/,
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
    // Node's: the error around it often says only "fetch failed".
    name: "js-cause",
    priority: PRIORITY.code + 1,
    pick: "last",
    keywords: ["[cause]: "],
    match: [/^\[cause\]: \w{1,80}Error(?: \[\w{1,60}\])?: \S|^\[cause\]: Error: \S/],
    group: { more: /^\s{2,10}(?:at |\w{1,40}: )/ },
  },
  {
    name: "python-start",
    priority: PRIORITY.code,
    pick: "last",
    keywords: ["Error while finding module", "No module named "],
    match: [/^[\w./-]{0,200}python[\d.]{0,6}: (?:Error while finding module|No module named )/],
  },
  {
    name: "perl",
    priority: PRIORITY.code,
    pick: "first",
    keywords: [" line "],
    match: [/ at \S{1,300} line \d{1,7}\.$/],
    not: [/^(?:Use of uninitialized|Argument |Useless use|Name ".{1,80} used only once|Deep recursion)/],
  },
  {
    name: "assertion",
    priority: PRIORITY.code,
    pick: "last",
    keywords: ["Error: expect"],
    match: [/^Error: expect(?:\(|ed )/],
    group: { more: /^(?:\s|$)/ },
  },
  {
    // Node's own, and what command line tools end with.
    name: "plain-error",
    priority: PRIORITY.surroundings + 4,
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
    severity: "error",
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
      "eceived signal",
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
      /^(?:.{0,120}: )?(?:line \d{1,6}: .{0,40})?(?:Segmentation fault|Illegal instruction|Bus error|Aborted(?: {0,20}\(core|$))|(?:Segmentation fault|Aborted|Illegal instruction|Bus error) {0,20}\(core dumped\)|signal SIG(?:SEGV|ABRT|BUS|ILL)|^(?:={1,6}\d{1,9}={1,6}\s?)?(?:SUMMARY|ERROR): \w{1,20}Sanitizer|runtime error: |\*\*\* (?:stack smashing|Error in)|double free or|^terminate called|^Fatal Python error|^FATAL ERROR: |Assertion (?:`|'|failed|failure)|^PROCESS-CRASH|[Rr]eceived signal (?:11|SIG(?:SEGV|ABRT))/,
    ],
    not: [/_test\.go|^PASS/, /^Fatal Python error: (?:Segmentation fault)?$/],
  },
  {
    name: "interpreter",
    priority: PRIORITY.code + 2,
    pick: "first",
    keywords: ["Fatal error: ", "Parse error: ", "syntax error", "Error)"],
    match: [
      /^(?:PHP )?(?:Fatal|Parse) error: |^[^\s:]{1,300}:\d{1,7}:.{0,400}\((?:\w{1,60}::)?\w{1,40}Error\)$|^[^\s:]{1,300}:\d{1,7}: syntax error/,
    ],
    not: [/^(?:sh|bash|dash): /, /near unexpected token/],
    group: { more: INDENTED },
  },
];
