import { z } from "zod";
import { isDigit, timeLength } from "./line.ts";

/** What a line says of itself by an explicit marker. */
export type Severity = "error" | "warning" | "notice" | "info" | "debug";

export type Mark =
  | { type: "start"; family: Family; name: string; unix?: number; isCollapsed?: boolean }
  | { type: "end"; family: Family; name: string; unix?: number }
  /** How long what is open took. */
  | { type: "duration"; family: Family; seconds: number }
  /** The header before is to be open. */
  | { type: "open"; family: Family };

/** Whose markers they are: one family's end does not end another's start. */
export const familySchema = z.enum(["github", "gitlab", "travis", "buildkite"]);
export type Family = z.infer<typeof familySchema>;

export type MarkedLine = {
  marks: Mark[];
  /** The line without its markers, escape sequences and all: what a terminal is to be given instead. */
  shown: string;
  severity?: Severity;
  /** Of a command: `file`, `line`, `endLine`, `col`, `title` … */
  parameters?: Record<string, string>;
};

export type MarkerOptions = {
  /** Whether `--- t`, `+++ t` and `~~~ t` are headers: diffs and YAML begin so, too. */
  buildkite?: boolean;
};

const SEQUENCE = "\\x1b\\[[0-?]*[ -/]*[@-~]";
/** Colours, and the time that GitHub and GitLab put before stored lines. */
const LEAD = new RegExp(
  `^(?:${SEQUENCE}|[ \\t])*(?:\\d{4}-\\d\\d-\\d\\dT[\\d:.]{8,30}Z (?:[\\da-f]{2}[OE][ +])?)?(?:${SEQUENCE}|[ \\t])*`,
);
/** COMMAND takes no longer name. */
const MAX_TOKEN = 100;
const COMMAND = /^(?:::([\w-]{1,100})(?: ([^\r\n]*?))?::|##\[(\w{1,20})\])/;
const SEVERITIES = new Set<string>(["error", "warning", "notice", "info", "debug"] satisfies Severity[]);

/** GitLab's and Travis's, which the carriage return after them hides from a terminal. */
const HIDDEN = new RegExp(
  "(?:\\x1b\\[0?K)?(?:section_(?<section>start|end):(?<unix>\\d{1,12}):(?<id>[\\w.-]{1,200})(?<options>\\[[^\\]\\r]{0,200}\\])?" +
    "|travis_fold:(?<fold>start|end):(?<name>[\\w./-]{1,200})" +
    "|travis_time:(?:start:\\w{1,64}|end:\\w{1,64}:start=\\d{1,20},finish=\\d{1,20},duration=(?<ns>\\d{1,20})[^\\r]{0,200}))\\r(?:\\x1b\\[0?K)?",
  "g",
);
/** As far into a line as markers are looked for. */
const HEAD_BYTES = 512;
const HINT = /::|##\[|section_|travis_/;
const HEADER_HINT = /::|##\[|section_|travis_|--- |\+\+\+|~~~ /;
const [ESC, COLON, HASH, S, T] = Buffer.from("\x1b:#st") as unknown as number[];

/** Whether a line may begin with a marker here: itself, an escape before it, or what GitLab puts behind a time. */
function mayBegin(text: Buffer, at: number, isStored: boolean): boolean {
  const first = text[at];
  if (first === COLON || first === HASH) return text[at + 1] === first;
  if (first === S) return text[at + 7] === UNDERSCORE;
  if (first === T) return text[at + 6] === UNDERSCORE;
  return first === ESC || (isStored && isDigit(first));
}

const UNDERSCORE = 0x5f;
const HEADER_SIGNS = Buffer.from("-+~^");
const HEADER = /^(---|\+\+\+|~~~) |^(\^\^\^) \+\+\+\s*$/;

/** Reads the markers of one log, line after line from its first: what `::stop-commands::` says lasts. */
export class MarkerReader {
  readonly #options: MarkerOptions;
  #stopToken: string | undefined;

  /** @param stopToken what ends the stop of commands that holds before the first line */
  constructor(options: MarkerOptions = {}, stopToken?: string) {
    this.#options = options;
    this.#stopToken = stopToken;
  }

  /** While commands are stopped: what sets them going again. */
  get stopToken(): string | undefined {
    return this.#stopToken;
  }

  /**
   * Whether the bytes of a line may hold a marker, by its first byte and then its beginning: this runs for every line.
   * @param from where the line begins, behind its time
   */
  mayRead(text: Buffer, from: number, end: number): boolean {
    const isStored = isDigit(text[from]) && text[from + 10] === 0x54;
    const stored = isStored ? timeLength(text, from) : 0;
    let start = stored === 0 ? from : from + stored + 1;
    while (start < end && (text[start] === 0x20 || text[start] === 0x09)) start++;
    const isHeader = this.#options.buildkite === true && HEADER_SIGNS.includes(text[start] as number);
    if (start >= end || !(mayBegin(text, start, stored > 0) || isHeader)) return false;
    const head = text.toString("latin1", from, Math.min(end, from + HEAD_BYTES));
    return this.#options.buildkite ? HEADER_HINT.test(head) : HINT.test(head);
  }

  /** `text`: a raw line, since a terminal shows nothing of what a carriage return hides. */
  read(text: string): MarkedLine {
    if (text.includes("section_") || text.includes("travis_")) {
      const line = hidden(text);
      if (line.marks.length > 0) return line;
    }
    const lead = LEAD.exec(text)?.[0] ?? "";
    const rest = text.slice(lead.length);
    const command = /^(?:::|##\[)/.test(rest) ? this.#command(lead, rest) : undefined;
    if (command) return command;
    return (this.#options.buildkite && header(lead, rest)) || { marks: [], shown: text };
  }

  #command(lead: string, rest: string): MarkedLine | undefined {
    const match = COMMAND.exec(rest);
    if (!match) return undefined;
    const [whole, colons, parameters = "", brackets] = match;
    const name = (colons ?? brackets ?? "").toLowerCase();
    const message = rest.slice(whole.length);
    if (this.#stopToken !== undefined) {
      if (colons !== this.#stopToken) return undefined;
      this.#stopToken = undefined;
      return { marks: [], shown: lead };
    }
    const shown = `${lead}${message}`;
    if (name === "group") return { marks: [{ type: "start", family: "github", name: "" }], shown };
    if (name === "endgroup") return { marks: [{ type: "end", family: "github", name: "" }], shown };
    if (SEVERITIES.has(name)) {
      return { marks: [], shown, severity: name as Severity, ...(parameters && { parameters: parsed(parameters) }) };
    }
    const token = message.trim();
    // A frame's index holds it.
    const isToken = token !== "" && token.length <= MAX_TOKEN;
    if (name !== "stop-commands" || brackets || !isToken) return undefined;
    this.#stopToken = token;
    return { marks: [], shown: lead };
  }
}

/** `file=a.js,line=1`, with `%2C` for a comma and so on. */
function parsed(text: string): Record<string, string> {
  const pairs = text.split(",", 20).flatMap((pair) => {
    const at = pair.indexOf("=");
    const value = pair.slice(at + 1).trim();
    return at < 1 || value === "" ? [] : [[pair.slice(0, at).trim(), unescaped(value)] as const];
  });
  return Object.fromEntries(pairs);
}

const ESCAPES: Record<string, string> = { "%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": "," };
const unescaped = (value: string): string =>
  value.replace(/%(?:25|0D|0A|3A|2C)/gi, (code) => ESCAPES[code.toUpperCase()] ?? code);

function hidden(text: string): MarkedLine {
  const marks = [...text.matchAll(HIDDEN)].flatMap(({ groups = {} }): Mark[] => {
    const { section, unix, id = "", options = "", fold, name = "", ns } = groups;
    const isCollapsed = /[[,]collapsed=true[\],]/.test(options);
    if (section === "start") return [{ type: section, family: "gitlab", name: id, unix: Number(unix), isCollapsed }];
    if (section === "end") return [{ type: section, family: "gitlab", name: id, unix: Number(unix) }];
    if (fold === "start" || fold === "end") return [{ type: fold, family: "travis", name }];
    return ns === undefined ? [] : [{ type: "duration", family: "travis", seconds: Number(ns) / 1e9 }];
  });
  return { marks, shown: text.replace(HIDDEN, "") };
}

function header(lead: string, rest: string): MarkedLine | undefined {
  const [whole = "", mark, opens] = HEADER.exec(rest) ?? [];
  const family = "buildkite";
  if (opens) return { marks: [{ type: "open", family }], shown: lead };
  if (!mark) return undefined;
  const start: Mark = { type: "start", family, name: "", isCollapsed: mark !== "+++" };
  return { marks: [start], shown: `${lead}${rest.slice(whole.length)}` };
}

/** The text of a line without its time, escape sequences and controls. */
export const titleOf = (text: string): string =>
  text
    .replace(LEAD, "")
    .replace(/\x1b(?:\[[0-?]*[ -/]*[@-~]?|\][^\x07\x1b]*(?:\x07|\x1b\\)?)?/g, "")
    .replace(/[\0-\x1f\x7f-\x9f]/g, " ")
    .trim();
