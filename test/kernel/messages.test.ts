/** Frames and signatures, without a socket. */
import { expect, test } from "vitest";
import { decodeMessage, encodeMessage, makeHeader, type Message } from "../../kernel/protocol/message.js";
import { Signer } from "../../kernel/protocol/signer.js";

const message: Message = {
  identities: [Buffer.from("front end")],
  header: makeHeader("execute_request", "session"),
  parent: {},
  metadata: { cellId: "a" },
  content: { code: "'é😀'" },
  buffers: [Buffer.from([0, 255, 128])],
};

test("a message survives its frames", () => {
  expect(decodeMessage(encodeMessage(message, new Signer("key")), new Signer("key"))).toEqual(message);
});

test("an empty key means unsigned messages", () => {
  const frames = encodeMessage(message, new Signer(""));
  expect(String(frames[2])).toBe("");
  expect(decodeMessage(frames, new Signer(""))).toEqual(message);
});

test("a message with another key's signature is dropped (row 8)", () => {
  expect(decodeMessage(encodeMessage(message, new Signer("other")), new Signer("key"))).toBeNull();
});

test("a message whose content was changed is dropped", () => {
  const frames = encodeMessage(message, new Signer("key"));
  frames[6] = Buffer.from('{"code":"1"}');
  expect(decodeMessage(frames, new Signer("key"))).toBeNull();
});

test("a message that comes a second time is dropped", () => {
  const signer = new Signer("key");
  const frames = encodeMessage(message, new Signer("key"));
  expect(decodeMessage(frames, signer)).not.toBeNull();
  expect(decodeMessage(frames, signer)).toBeNull();
});

test.each([
  ["no frames", []],
  ["no delimiter", ["a", "b", "c", "d", "e", "f", "g"]],
  ["too few frames", ["<IDS|MSG>", "", "{}", "{}", "{}"]],
  ["a header that is not JSON", ["<IDS|MSG>", "", "{", "{}", "{}", "{}"]],
  ["a header without a type", ["<IDS|MSG>", "", '{"msg_id":"1","session":"2"}', "{}", "{}", "{}"]],
  ["content that is a list", ["<IDS|MSG>", "", '{"msg_id":"1","session":"2","msg_type":"x"}', "{}", "{}", "[]"]],
])("%s is dropped (row 8)", (_, frames) => {
  const bytes = frames.map((frame) => Buffer.from(frame));
  expect(decodeMessage(bytes, new Signer(""))).toBeNull();
});

test("half of a surrogate pair is sent as the replacement character, which every front end can save", () => {
  const text = "\ud83d, \ude00 and 😀, but \\ud83d as it is";
  const [, , , , , , content] = encodeMessage({ ...message, content: { text } }, new Signer("key"));
  expect(JSON.parse(String(content))).toEqual({ text: "\ufffd, \ufffd and 😀, but \\ud83d as it is" });
});
