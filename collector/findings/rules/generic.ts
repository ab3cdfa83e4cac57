import { PRIORITY, type Rule } from "../rule.ts";

/** Lines that talk about errors without being one. */
const NO_ERROR = [
  // counted, and none
  /\b(?:0|no|zero|without|any) (?:\w{1,20} )?(?:error|failure|fail|warning)/i,
  /(?:errors?|failures?|failed|fails?)(?::|=| =|":) ?(?:0|none|false|null|nil|\[\]|"")(?:\b|$|,)/i,
  // options, names of files, tests and things
  /[-\w](?:fail-fast|failfast|continue-on-error)|[-_]W?error\b|errorformat|on[-_]?error/i,
  /error[-_ ](?:handl|rate|page|budget|report)|error(?:handl|page|bound)|failover|xfail/i,
  /\b(?:test|spec)s?[\w/.-]{0,80}(?:error|fail)|(?:error|fail)\w{0,40}[._-](?:test|spec|go|py|js|ts|rs|c|h|o|rb|java|log|txt|html|md)\b/i,
  // tests that passed
  /^(?:PASS|ok|✓|✔|TEST-(?:PASS|START|OK|INFO|KNOWN|SKIP)|=== |--- (?:PASS|SKIP))|\b(?:PASSED|passed|ok|OK|SKIPPED|PASS|XFAIL|Success)[.!)]?$|\.\.\. ok/,
  // source text, in listings and in differences
  /^\d{1,7}\s{0,8}\||^[-+#*]\s|^\/\/|^(?:import|from|use|def|func|class|if|return|raise|throw|except|catch|echo)\b/,
  // conditions, what is expected, and what does not matter or not yet
  /\bif .{0,40}(?:fails?|error)|non-fatal|ignor|expected (?:error|failure)|Skipping step because/i,
  /retry|retries|try again|warning|\bwarn\b|deprecat/i,
  // sbt's last lines
  /^\[error\] (?:Total time: |\d{1,6} errors? found|one error found|\(\w{1,40} \/ )/,
  // Maven's advice
  /\[Help \d\] http|^\[ERROR\] (?:To see the full|Re-run Maven|For more information|After correcting|\s{0,8}$|-> \[Help)/,
];

const ERROR_MARKER = /^\s{0,8}(?:##\[error\]|::error(?: [^:]{0,300})?::|\[taskcluster:error\])/;

/** klog's letter for fatal with a month and a day's first digit. */
const KLOG_FATAL = Array.from({ length: 12 }, (_, month) => `F${String(month + 1).padStart(2, "0")}`).flatMap((date) =>
  [..."0123"].map((day) => date + day),
);

/** For a line that names the severity error; it needs no keyword. */
export const LOGGED_ERROR: Rule = {
  name: "logged-error",
  priority: PRIORITY.weak + 3,
  pick: "last",
  keywords: [],
  whole: true,
  match: [/\S/],
  not: NO_ERROR,
};

/** For the last line that says anything, where no rule took one. */
export const LAST_WORDS: Rule = {
  name: "last-words",
  priority: 0,
  pick: "last",
  severity: "unknown",
  keywords: [],
  match: [/\w/],
};

export const GENERIC: Rule[] = [
  {
    name: "error-command",
    priority: PRIORITY.named,
    pick: "last",
    keywords: ["##[error]", "::error", "taskcluster:error"],
    whole: true,
    command: true,
    match: [ERROR_MARKER, /[a-z]{2}/],
    not: [
      /exit(?:ed)? (?:with )?(?:code|status)|Process completed|custom container implementation|operation was canceled/i,
    ],
  },
  {
    // What a script says of its own steps.
    name: "step-failed",
    priority: PRIORITY.weak + 5,
    pick: "last",
    keywords: [
      "nstallation ",
      "eployment ",
      "igration ",
      "alidation ",
      "rovisioning ",
      "ealth check ",
      "pload ",
      "ownload ",
    ],
    match: [
      /\b(?:[Ii]nstallation|[Dd]eployment|[Mm]igration|[Vv]alidation|[Pp]rovisioning|[Hh]ealth check|[Uu]pload|[Dd]ownload) (?:has )?failed\b/,
    ],
    not: NO_ERROR,
  },
  {
    name: "logged-fatal",
    priority: PRIORITY.weak + 6,
    pick: "last",
    keywords: ["FATAL", "CRITICAL", ...KLOG_FATAL],
    whole: true,
    match: [/(?:^|[\s\]])\[?(?:FATAL|CRITICAL)\]?[ :\-|]|^\s{0,8}F[01]\d{3} \d\d:\d\d:/],
    not: NO_ERROR,
  },
  {
    name: "error-line",
    priority: PRIORITY.weak + 4,
    pick: "last",
    keywords: ["error: ", "Error: ", "ERROR: ", "ERROR ", "error - ", "Error "],
    match: [
      /^(?:[\w./-]{1,60}: ){0,1}(?:fatal |internal )?(?:error|Error|ERROR)(?::| -|\]) ?\S|^(?:ERROR|Error)(?: \(| [A-Z]\w| \[|: )/,
    ],
    not: NO_ERROR,
    group: { more: /^\s{2}/ },
  },
  {
    name: "caret",
    priority: PRIORITY.consequence + 6,
    pick: "first",
    keywords: ["   ^"],
    whole: true,
    match: [/^\s{3,200}\^[\^~-]{0,200}$/],
    points: "before",
  },
  {
    name: "failed-line",
    priority: PRIORITY.weak,
    pick: "last",
    keywords: [
      "failed",
      "Failed",
      "FAILED",
      "failure",
      "Failure",
      "cannot ",
      "Cannot ",
      "could not ",
      "Could not ",
      "unable to ",
      "Unable to ",
      "invalid ",
      "Invalid ",
    ],
    match: [
      /\b(?:[Ff]ailed(?: to|:| with)|FAILED\b|[Ff]ailure\b|[Cc]annot |[Cc]ould not |[Uu]nable to |[Ii]nvalid \w)/,
    ],
    not: NO_ERROR,
  },
  {
    name: "ends-failed",
    priority: PRIORITY.consequence + 1,
    pick: "last",
    keywords: ["failed", "FAILED", "Failed", "failing", "FAILURE", "Exiting -"],
    match: [/(?:failed|FAILED|Failed)[!.]?$|^FAILED?$|^FAILURE\b|^Exiting -\d/],
    not: NO_ERROR,
  },
  {
    name: "exit-code",
    priority: PRIORITY.bare + 2,
    pick: "last",
    keywords: [
      "exit code",
      "exit status",
      "xit code",
      "xited with",
      "xit status",
      "xit Code",
      "status code",
      "Process completed with",
      "non-zero",
      "Return code",
    ],
    match: [
      /[Ee]xit(?:ed)?(?: with)?(?: an?)?(?: non-zero)? (?:code|status|Code)[ :=]{1,3}-?[1-9]\d{0,2}\b|[Ee]xited with -?[1-9]|[Nn]on-?zero exit|Return code: [1-9]/,
    ],
    not: [/^\+/],
  },
  {
    name: "error-marker",
    priority: PRIORITY.bare + 4,
    pick: "last",
    keywords: ["##[error]", "::error", "taskcluster:error"],
    whole: true,
    command: true,
    match: [ERROR_MARKER],
  },
];
