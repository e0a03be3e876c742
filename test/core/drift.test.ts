import { expect, test } from "vitest";
import { withoutIgnored } from "../../core/drift.ts";
import type { Shape } from "../../core/shape.ts";

const shape: Shape = {
  format: "rehearsal-shape/1",
  objects: {
    "table public.events": { partitionBy: "RANGE (at)" },
    "table public.events_p1": { partitionOf: "public.events" },
    "index public.events_p1_pkey": { constraint: "events_p1_pkey" },
    "constraint events_p1_pkey on public.events_p1": { definition: "PRIMARY KEY (id)" },
    "index public.by_time": { definition: "CREATE INDEX by_time ON public.events_p1 USING btree (at)" },
    "index public.kept": { definition: "CREATE INDEX kept ON ONLY public.events USING btree (at)" },
    "trigger touch on public.events_p1": { definition: "…" },
    "sequence public.events_p1_id_seq": { ownedBy: "public.events_p1.id" },
    "sequence public.other": { ownedBy: "public.events.id" },
    'table public."events_p2 (old)"': {},
  },
};

test("what fits a pattern is left out, and what stands on it goes with it", () => {
  expect(Object.keys(withoutIgnored(shape, ["table public.events_p*"]).objects)).toEqual([
    ...[
      "table public.events",
      "index public.kept",
      "sequence public.other",
      'table public."events_p2 (old)"',
    ],
  ]);
});

test("a pattern speaks of whole addresses, and its other signs mean themselves", () => {
  expect(withoutIgnored(shape, ["public.events_p1", "table public.events_."])).toEqual(shape);
  expect(withoutIgnored(shape, [])).toBe(shape);
  expect(Object.keys(withoutIgnored(shape, ["*"]).objects)).toEqual([]);
});
