import { gunzipSync } from "node:zlib";
import { Hono } from "hono";
import { raw } from "hono/html";
import { expect, test } from "vitest";
import { pageAnswer } from "../../viewer/page-answer.ts";

const answerOf = (text: string, headers: Record<string, string>, method = "GET") => {
  const app = new Hono().get("/", (c) => {
    c.header("Vary", "Accept");
    return pageAnswer(c, raw(text), 404);
  });
  return app.request("/", { headers, method });
};

test.each([
  ["plain", "a page"],
  ["other alphabets", "ä – 漢字 🙂"],
  ["nothing", ""],
])("with gzip, %s comes back", async (_, text) => {
  const answer = await answerOf(text, { "Accept-Encoding": "br, gzip" });
  expect(answer.status).toBe(404);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-encoding": "gzip",
    "content-type": "text/html; charset=UTF-8",
    vary: "Accept, Accept-Encoding",
  });
  expect(gunzipSync(await answer.arrayBuffer()).toString()).toBe(text);
});

test("half a character is replaced, as without gzip", async () => {
  const packed = await answerOf("a\ud83d", { "Accept-Encoding": "gzip" });
  const plain = await (await answerOf("a\ud83d", {})).text();
  expect(gunzipSync(await packed.arrayBuffer()).toString()).toBe(plain);
  expect(plain).toBe("a\ufffd");
});

test.each([
  [undefined, "GET"],
  ["br", "GET"],
  ["gzip;q=0", "GET"],
  ["gzip", "HEAD"],
])("a client that takes %s gets it plain (%s)", async (encoding, method) => {
  const answer = await answerOf("a page", encoding ? { "Accept-Encoding": encoding } : {}, method);
  expect(answer.headers.get("Content-Encoding")).toBeNull();
  expect(await answer.text()).toBe(method === "HEAD" ? "" : "a page");
});
