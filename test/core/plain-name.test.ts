/** Names of objects as people write them into plans. */
import { describe, expect, test } from "vitest";
import { mayBeSame, readName, writeName } from "../../core/plain-name.ts";

describe("names as a plan writes them", () => {
  test.each([
    ["public.files", ["public", "files"]],
    ["Public.FILES", ["public", "files"]],
    ['"a.b"."say ""hi"""', ["a.b", 'say "hi"']],
    ['app."Files".doc_no', ["app", "Files", "doc_no"]],
    ['"new\nline"', ["new\nline"]],
  ])("abuse 1, abuse 2: a plan may name %j, which is read as what it is", (text, parts) => {
    expect(readName(text)).toEqual(parts);
    expect(readName(writeName(parts))).toEqual(parts);
  });

  test.each(["", ".", "a.", ".a", 'a"b', '"', '""', "a b"])("%j is none", (text) => {
    expect(readName(text)).toBeUndefined();
  });

  test("may leave out the schema, and nothing else", () => {
    expect(mayBeSame(["public", "files"], ["files"])).toBe(true);
    expect(mayBeSame(["files"], ["app", "files"])).toBe(true);
    expect(mayBeSame(["public", "files"], ["app", "files"])).toBe(false);
    expect(mayBeSame(["files"], ["file"])).toBe(false);
  });
});
