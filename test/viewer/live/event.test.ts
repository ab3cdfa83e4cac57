import { expect, test } from "vitest";
import { encodeEvent } from "../../../viewer/live/event.ts";
import fc from "../../property.ts";

test.each([
  [{ event: "end", data: "{}" }, "event: end\ndata: {}\n\n"],
  [{ event: "rows", id: 7, data: "a\nb" }, "event: rows\nid: 7\ndata: a\ndata: b\n\n"],
  [{ event: "rows", data: "a\r\nb\rc" }, "event: rows\ndata: a\ndata: b\ndata: c\n\n"],
  [{ event: "rows", data: "" }, "event: rows\ndata: \n\n"],
])("%j", (event, text) => {
  expect(encodeEvent(event).toString()).toBe(text);
});

test("nothing in the data can end an event or begin a field", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("\n", "\r", ":", "a", "é", "\0") }), (data) => {
      const lines = encodeEvent({ event: "rows", data }).toString().split("\n");
      expect(lines.slice(1, -2).every((line) => line.startsWith("data: ") && !line.includes("\r"))).toBe(true);
      expect(lines.slice(-2)).toEqual(["", ""]);
    }),
  );
});
