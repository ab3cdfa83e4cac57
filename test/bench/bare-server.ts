import { readFileSync } from "node:fs";
import { Hono } from "hono";
import { compress } from "hono/compress";
import { serve } from "../../viewer/server.ts";

/** Every address answers with one page, which is kept in memory: `PORT=<port> node bare-server.ts <file>`. */
const page = readFileSync(process.argv[2] ?? "", "utf8");
const app = new Hono();
app.use(compress());
app.get("*", (c) => c.html(page));
await serve(app, { host: "127.0.0.1", port: Number(process.env.PORT) });
