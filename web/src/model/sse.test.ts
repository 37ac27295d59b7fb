import { expect, test } from "vitest";

import { EventParser } from "./sse";

test("an event that comes in pieces is one event", () => {
  const parser = new EventParser();
  expect(parser.feed("event: over")).toEqual([]);
  expect(parser.feed("view\nid: 7\ndata: {}\n")).toEqual([]);
  expect(parser.feed("\nevent: x\nda")).toEqual([{ name: "overview", data: "{}" }]);
  expect(parser.feed("ta: 1\n\n")).toEqual([{ name: "x", data: "1" }]);
});

test("several events of one piece come in their order, and comments are none", () => {
  const events = new EventParser().feed(": nothing yet\n\ndata: 1\n\ndata: 2\ndata: 3\n\n");
  expect(events).toEqual([
    { name: "message", data: "1" },
    { name: "message", data: "2\n3" },
  ]);
});
