/** An expression that matches wherever another one does. */
export type Necessary = {
  source: string;
  /** It matches nowhere else. */
  isExact: boolean;
};

/** With what is needed to bound a backtracking engine's work: ways to match, and the most characters of one. */
type Part = Necessary & { weight: number; ways: number; length: number };

/** More ways at a place make a search slower than none. */
const MAX_WAYS = 64;
const MAX_LENGTH = 64;
/** How much a character narrows down: what is common in logs, little. */
const WEIGHT = { character: 1, class: 0.4, word: 0.1 };
/** What narrows down less is met in nearly every line. */
const LEAST_WEIGHT = 1;

/** A class of nothing but ASCII, with no escape that could mean a newline or more than ASCII. */
const CLASS = /^\[(?:[ !#-,./0-9:;<=>?@A-Z_`a-z{|}~"-]|\\[dw\]\\.^/-])+\]/;
/** White space may be the carriage return that is no part of a line: not exact. */
const PERL: Record<string, Part> = {
  d: single("\\d", WEIGHT.class),
  w: single("\\w", WEIGHT.word),
  s: { ...single("[\\t\\f\\r ]", WEIGHT.word), isExact: false },
};

/**
 * What a line must contain for an RE2 expression to match it, for UTF-8 read as Latin-1: the best stretch of single
 * characters, ASCII classes, and groups and options of such. There is no open repetition in it, so that a backtracking
 * engine needs a bounded number of steps at each place. undefined where nothing, or nothing rare, is known to be
 * needed, or the expression has anything that is not surely understood here.
 */
export function necessary(expression: string, ignoresCase: boolean): Necessary | undefined {
  const parser = new Parser(expression, ignoresCase);
  const found = parser.alternatives();
  if (!parser.isDone || !found || found.weight < LEAST_WEIGHT) return undefined;
  return { source: found.source, isExact: found.isExact };
}

function single(source: string, weight: number): Part {
  return { source, weight, isExact: true, ways: 1, length: 1 };
}

type Repetition = { least: number; most: number };

class Parser {
  readonly #text: string;
  readonly #ignoresCase: boolean;
  #at = 0;
  #isUnknown = false;

  constructor(text: string, ignoresCase: boolean) {
    this.#text = text;
    this.#ignoresCase = ignoresCase;
  }

  get isDone(): boolean {
    return !this.#isUnknown && this.#at === this.#text.length;
  }

  /** Up to the end or the bracket that closes a group. */
  alternatives(): Part | undefined {
    const found = [this.#concatenation()];
    while (this.#take("|")) found.push(this.#concatenation());
    const known = found.filter((one) => one !== undefined);
    const ways = known.reduce((sum, one) => sum + one.ways, 0);
    if (known.length < found.length || ways > MAX_WAYS) return undefined;
    return {
      source: known.map(({ source }) => source).join("|"),
      isExact: known.every(({ isExact }) => isExact),
      weight: Math.min(...known.map(({ weight }) => weight)),
      length: Math.max(...known.map(({ length }) => length)),
      ways,
    };
  }

  /** The best of its stretches; all of it where it is one. */
  #concatenation(): Part | undefined {
    const stretches = new Stretches();
    while (!this.#isUnknown && this.#at < this.#text.length && !/[|)]/.test(this.#text[this.#at] as string)) {
      if (this.#take("^") || this.#take("$")) {
        stretches.isExact = false;
        continue;
      }
      const part = this.#element();
      stretches.add(part, this.#repetition());
    }
    return stretches.best();
  }

  /** undefined: nothing is known of it. */
  #element(): Part | undefined {
    const rest = this.#text.slice(this.#at);
    if (rest.startsWith("(")) return this.#group();
    if (rest.startsWith("[")) return this.#class(rest);
    if (rest.startsWith("\\")) return this.#escape(rest);
    const character = String.fromCodePoint(rest.codePointAt(0) as number);
    this.#at += character.length;
    if (/[*+?{]/.test(character)) return this.#unknown();
    return character === "." ? undefined : this.#character(character);
  }

  #character(character: string): Part | undefined {
    if (character < "\x80") return single(character.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&"), WEIGHT.character);
    if (this.#ignoresCase) return undefined;
    const bytes = [...Buffer.from(character)].map((byte) => `\\x${byte.toString(16)}`);
    return { ...single(bytes.join(""), WEIGHT.character), length: bytes.length };
  }

  #group(): Part | undefined {
    const open = /^\((?:\?(?::|P?<\w+>))?(?!\?)/.exec(this.#text.slice(this.#at))?.[0];
    if (!open) return this.#unknown();
    this.#at += open.length;
    const group = this.alternatives();
    if (!this.#take(")")) return this.#unknown();
    return group?.source.includes("|") ? grouped(group, "") : group;
  }

  #class(rest: string): Part | undefined {
    const simple = rest.startsWith("[^") ? undefined : CLASS.exec(rest)?.[0];
    // A bracket or a class of classes within: only its end is looked for, where it is plain to see.
    const whole = simple ?? /^\[\^?(?:[^\][\\]|\\[^pPx])+\]/.exec(rest)?.[0];
    if (!whole) return this.#unknown();
    this.#at += whole.length;
    return simple ? single(simple, WEIGHT.class) : undefined;
  }

  #escape(rest: string): Part | undefined {
    const [whole, name = ""] = /^\\([dDwWsSbB]|[!-/:-@[-`{-~])/.exec(rest) ?? [];
    if (!whole) return this.#unknown();
    this.#at += whole.length;
    if (name in PERL) return PERL[name];
    return /\w/.test(name) ? undefined : this.#character(name);
  }

  #repetition(): Repetition {
    const [whole, sign, least, comma] =
      /^(?:([*+?])|\{(\d{1,4})(,\d{0,4})?\})\??/.exec(this.#text.slice(this.#at)) ?? [];
    if (!whole) return { least: 1, most: 1 };
    this.#at += whole.length;
    if (sign) return { least: sign === "+" ? 1 : 0, most: sign === "?" ? 1 : Number.POSITIVE_INFINITY };
    return { least: Number(least), most: comma ? Number(comma.slice(1) || Number.POSITIVE_INFINITY) : Number(least) };
  }

  #unknown(): undefined {
    this.#isUnknown = true;
    return undefined;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }
}

/** The stretches of a concatenation: what stands between elements that are unknown or may be there more often. */
class Stretches {
  isExact = true;
  #best: Part | undefined;
  #parts: Part[] = [];

  add(part: Part | undefined, { least, most }: Repetition): void {
    if (!part?.isExact || least > MAX_LENGTH) {
      this.#break(least > 0 ? part : undefined);
    } else if (most === 1 && least === 0) {
      this.#append({ ...grouped(part, "?"), weight: 0, ways: part.ways + 1 });
    } else {
      for (let i = 0; i < least; i++) this.#append(part);
      if (least === most) return;
      // Of many the first stands right after what is before, the last right before what follows.
      this.#break(undefined);
      for (let i = 0; i < least; i++) this.#append(part);
    }
  }

  best(): Part | undefined {
    this.#end();
    return this.#best && { ...this.#best, isExact: this.#best.isExact && this.isExact };
  }

  #append(part: Part): void {
    const ways = this.#parts.reduce((product, one) => product * one.ways, part.ways);
    const length = this.#parts.reduce((sum, one) => sum + one.length, part.length);
    if (ways > MAX_WAYS || length > MAX_LENGTH) this.#break(undefined);
    this.#parts.push(part);
  }

  /** Ends a stretch, so that none is all there is. */
  #break(other: Part | undefined): void {
    this.#end();
    this.isExact = false;
    if (other) this.#consider(other);
  }

  #end(): void {
    const parts = this.#parts;
    this.#parts = [];
    if (parts.length === 0) return;
    this.#consider({
      source: parts.map((part) => part.source).join(""),
      isExact: true,
      weight: parts.reduce((sum, { weight }) => sum + weight, 0),
      ways: parts.reduce((product, { ways }) => product * ways, 1),
      length: parts.reduce((sum, { length }) => sum + length, 0),
    });
  }

  #consider(part: Part): void {
    if (part.weight > (this.#best?.weight ?? 0)) this.#best = part;
  }
}

const grouped = (part: Part, suffix: string): Part => ({ ...part, source: `(?:${part.source})${suffix}` });
