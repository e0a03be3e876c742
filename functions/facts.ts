/** What earlier steps left: asked for by name, and a missing one is a defect told as such. */
import type { Facts, Promotion } from "../io/ledger/promotions.ts";

/** The fact; throws when the step that leaves it has not run. */
export function neededFact<K extends keyof Facts>(promotion: Promotion, name: K): NonNullable<Facts[K]> {
  const fact = promotion.facts[name];
  if (fact === undefined) throw new Error(`promotion ${promotion.id} has no ${name} yet`);
  return fact as NonNullable<Facts[K]>;
}
