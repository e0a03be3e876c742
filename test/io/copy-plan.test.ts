/** Where a table is cut into ranges of pages: the ranges meet, nothing lies between them, and an earlier cut is kept. */
import { expect, test } from "vitest";
import { cutPages } from "../../io/postgres/copy-plan.ts";

test("about as many ranges as asked for, of about one size", () => {
  expect(cutPages(10, 3)).toEqual([0, 3, 6, 10]);
});

test("there are no more ranges than pages, and always one", () => {
  expect(cutPages(2, 1000)).toEqual([0, 1, 2]);
  expect(cutPages(0, 5)).toEqual([0, 0]);
  expect(cutPages(7, 0)).toEqual([0, 7]);
});

test("a table is cut where it was cut before, and what it has grown by lies behind", () => {
  expect(cutPages(15, 9, [0, 5, 10])).toEqual([0, 5, 10, 15]);
  expect(cutPages(10, 9, [0, 5, 10])).toEqual([0, 5, 10]);
});

test("a table that has shrunk keeps its borders: there may be rows behind them again", () => {
  expect(cutPages(3, 9, [0, 5, 10])).toEqual([0, 5, 10]);
});

test("a table that was empty is cut anew", () => {
  expect(cutPages(10, 2, [0, 0])).toEqual([0, 5, 10]);
});
