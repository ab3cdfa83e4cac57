import { existsSync } from "node:fs";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { startViewer, type ViewerOptions } from "../../../viewer/viewer.ts";
import { ArchiveFixture, stored } from "../../viewer/archive-fixture.ts";
import { fillWithSamples } from "../../viewer/sample-runs.ts";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const ARGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split(
    " ",
  );

/** Why the tests cannot run. @throws that, where nobody looks at the output: a test that did not run is no success */
export function missingBrowser(): string | undefined {
  const why = existsSync(CHROMIUM) ? undefined : `there is no Chromium at ${CHROMIUM}; set CHROMIUM to one`;
  if (why && process.env.CI) throw new Error(`the browser tests cannot run: ${why}`);
  return why;
}

/**
 * A viewer over an archive with samples and a browser to look at it, for the tests of a suite. After each test nothing
 * must have been refused or have failed in its pages.
 */
export class Session {
  readonly archive = new ArchiveFixture();
  readonly complaints: string[] = [];
  readonly #stops: (() => Promise<unknown>)[] = [];
  readonly #contexts: BrowserContext[] = [];
  #browser: Browser | undefined;
  #url = "";

  constructor() {
    beforeAll(async () => {
      await fillWithSamples(this.archive);
      this.#browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
      this.#stops.push(this.#browser.close.bind(this.#browser));
      this.#url = await this.view({ store: this.archive.store });
    });
    afterAll(async () => {
      for (const stop of this.#stops.toReversed()) await stop();
    });
    afterEach(async () => {
      await Promise.all(this.#contexts.splice(0).map((context) => context.close()));
      // Violations of the policy, failed requests and errors of the script all end up in the console.
      expect(this.complaints.splice(0)).toEqual([]);
    });
  }

  get url(): string {
    return this.#url;
  }

  /** A run that has failed. */
  get run(): string {
    return `${this.#url}/namespaces/tekton-ci/pipelineruns/pull-linux-test-r7x2k`;
  }

  /** A run that goes on. */
  get live(): string {
    return `${this.#url}/namespaces/tekton-ci/pipelineruns/pull-linux-test-k94pw`;
  }

  /** Starts a viewer; its address. */
  async view({ store, logger }: Omit<ViewerOptions, "config">): Promise<string> {
    const config = { namespaces: "*", host: "127.0.0.1", port: 0 } as const;
    const viewer = await startViewer({ config, store, ...(logger && { logger }) });
    this.#stops.push(viewer.close);
    return viewer.url;
  }

  async open(address: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser?.newContext({ viewport: { width: 1400, height: 900 }, ...options });
    if (!context) throw new Error("the browser has not been started");
    this.#contexts.push(context);
    const page = await context.newPage();
    page.on("console", (message) => void (message.type() === "error" && this.complaints.push(message.text())));
    page.on("pageerror", (error) => void this.complaints.push(error.message));
    page.on("dialog", (dialog) => {
      this.complaints.push(`a dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    await page.goto(address);
    return page;
  }

  /** A run of its own with one log that grows. */
  async growingRun(name: string) {
    const record = await this.archive.run({
      name,
      tasks: [
        {
          name: "build",
          status: "running",
          at: [0],
          containers: [
            {
              title: "compile",
              status: "running",
              at: [1],
              lines: Array.from({ length: 120 }, (_, i) => `line ${i + 1}`),
              state: "open",
            },
          ],
        },
      ],
    });
    const writer = this.archive.growing.get(`${name}/build/compile`);
    if (!writer) throw new Error("the fixture has changed");
    const say = async (text: string) => {
      writer.append(stored(text, Date.now()));
      await writer.flush();
    };
    return { record, writer, say, address: `${this.#url}/namespaces/tekton-ci/pipelineruns/${name}` };
  }
}

/** Runs in the page, whose types are not those of Node. */
export const isInView = (element: { getBoundingClientRect(): { top: number; bottom: number } }): boolean => {
  const { top, bottom } = element.getBoundingClientRect();
  return top >= 0 && bottom <= Number(Reflect.get(globalThis, "innerHeight"));
};

export const topOf = (element: { getBoundingClientRect(): { top: number } }): number =>
  element.getBoundingClientRect().top;
