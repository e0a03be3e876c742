/** A table's COPY cut into ranges of pages: the ranges meet, nothing lies between them, and what cannot be cut stays as it is. */
import { expect, test } from "vitest";
import { cutCopy } from "../../io/postgres/copy-plan.ts";

test("the ranges meet, and the outer ones are open", () => {
  expect(cutCopy("COPY public.t (a, b) TO stdout", 10, 3)).toEqual([
    "COPY (SELECT a, b FROM ONLY public.t WHERE ctid < '(3,0)'::pg_catalog.tid) TO stdout",
    "COPY (SELECT a, b FROM ONLY public.t WHERE ctid >= '(3,0)'::pg_catalog.tid AND ctid < '(6,0)'::pg_catalog.tid) TO stdout",
    "COPY (SELECT a, b FROM ONLY public.t WHERE ctid >= '(6,0)'::pg_catalog.tid) TO stdout",
  ]);
});

test("names are kept to the letter, whatever they hold", () => {
  const table = '"a ""b"" (c) TO stdout"."d.e (f)"';
  const columns = '"g) TO stdout", "h"", (i"';
  expect(cutCopy(`COPY ${table} (${columns}) TO stdout`, 2, 2)).toEqual([
    `COPY (SELECT ${columns} FROM ONLY ${table} WHERE ctid < '(1,0)'::pg_catalog.tid) TO stdout`,
    `COPY (SELECT ${columns} FROM ONLY ${table} WHERE ctid >= '(1,0)'::pg_catalog.tid) TO stdout`,
  ]);
});

test("there are no more pieces than pages", () => {
  expect(cutCopy("COPY public.t (a) TO stdout", 2, 1000)).toHaveLength(2);
});

test.each([
  ["a condition", "COPY (SELECT a FROM public.t WHERE b) TO stdout", 100],
  ["no columns", "COPY public.t  TO stdout", 100],
  ["no pages to tell apart", "COPY public.t (a) TO stdout", 0],
  ["a single page", "COPY public.t (a) TO stdout", 1],
])("a COPY with %s is not cut", (_, copyOut, pages) => {
  expect(cutCopy(copyOut, pages, 5)).toEqual([copyOut]);
});
