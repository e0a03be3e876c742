/** Facts as they are sent and as they are named. */

/** The values by their names, without those that are null. */
export function named(names: readonly string[], values: readonly unknown[]): { [name: string]: unknown } {
  const facts: { [name: string]: unknown } = {};
  for (const [place, name] of names.entries()) if (values[place] !== null) facts[name] = values[place];
  return facts;
}

/** The same in the order of canonical JSON, which is written faster so. */
export function inOrder(facts: { [name: string]: unknown }): { [name: string]: unknown } {
  return Object.fromEntries(Object.entries(facts).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** SQL: options as `name=value`, in byte order. */
export function options(array: string): string {
  return `case when ${array} is not null then
    to_json(array(select option from unnest(${array}) option order by option collate "C")) end`;
}
