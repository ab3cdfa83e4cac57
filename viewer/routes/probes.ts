import { Hono } from "hono";
import { problemOf } from "../problem.ts";
import type { Site } from "../site.ts";

const ROBOTS = "User-agent: *\nDisallow: /logs/\nDisallow: /*?\n";

/** For orchestrators and crawlers. */
export function probeRoutes({ logger }: Site, ready: () => Promise<void>): Hono {
  return new Hono()
    .get("/healthz", (c) => c.text("ok\n"))
    .get("/readyz", async (c) => {
      try {
        await ready();
        return c.text("ready\n");
      } catch (error) {
        logger.warn({ err: error }, "the archive cannot be read");
        return c.text(`not ready: ${problemOf(error).message}\n`, 503);
      }
    })
    .get("/robots.txt", (c) => c.text(ROBOTS));
}
