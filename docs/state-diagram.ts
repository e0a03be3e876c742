/** A state machine in Amazon States Language as a Mermaid state diagram. */

/** What is drawn of a state, whatever its type. */
export interface DrawnState {
  Type: string;
  Next?: string;
  End?: boolean;
  Choices?: { Condition: string; Next: string }[];
  Default?: string;
  Catch?: { ErrorEquals: string[]; Next: string }[];
  /** Of a Map: what is done with each item. */
  ItemProcessor?: DrawnMachine;
  /** Of a Parallel: what is done at once. */
  Branches?: DrawnMachine[];
}

export interface DrawnMachine {
  StartAt: string;
  States: Record<string, DrawnState>;
}

/**
 * Draws every state and every edge: the way on, each condition of a fork, and where failures lead.
 *
 * @example
 * stateDiagram({ StartAt: "go", States: { go: { Type: "Succeed" } } });
 * // stateDiagram-v2
 * //   state "go" as go
 * //   [*] --> go
 * //   go --> [*]
 */
export function stateDiagram(machine: DrawnMachine): string {
  return ["stateDiagram-v2", ...lines(machine)].join("\n  ");
}

function lines(machine: DrawnMachine): string[] {
  const states = Object.entries(machine.States);
  return [
    ...states.flatMap(([name, state]) => declared(name, state)),
    `[*] --> ${id(machine.StartAt)}`,
    ...states.flatMap(([name, state]) =>
      edges(state).map(({ to, label }) => `${id(name)} --> ${to}${label === undefined ? "" : ` : ${label}`}`),
    ),
  ];
}

/** A Map is drawn around the states that each of its items passes, a Parallel around its branches, with a line between. */
function declared(name: string, { Type, ItemProcessor, Branches }: DrawnState): string[] {
  if (Type === "Choice") return [`state ${id(name)} <<choice>>`];
  const drawn = `state "${name}" as ${id(name)}`;
  const inside = Branches ?? (ItemProcessor && [ItemProcessor]);
  if (inside === undefined) return [drawn];
  const parts = inside.flatMap((part, place) => [...(place === 0 ? [] : ["--"]), ...lines(part)]);
  return [`${drawn} {`, ...parts.map((line) => `  ${line}`), "}"];
}

interface Edge {
  to: string;
  label?: string;
}

function edges(state: DrawnState): Edge[] {
  const end = state.End === true || state.Type === "Succeed" || state.Type === "Fail";
  return [
    ...(state.Choices ?? []).map(({ Condition, Next }) => ({ to: id(Next), label: condition(Condition) })),
    ...(state.Default === undefined ? [] : [{ to: id(state.Default), label: "otherwise" }]),
    ...(state.Next === undefined ? [] : [{ to: id(state.Next) }]),
    ...failures(state.Catch ?? []),
    ...(end ? [{ to: "[*]" }] : []),
  ];
}

/** One edge per target: a catcher of everything says more than the names beside it. */
function failures(catchers: { ErrorEquals: string[]; Next: string }[]): Edge[] {
  return [...Map.groupBy(catchers, ({ Next }) => Next)].map(([next, group]) => {
    const names = group.flatMap(({ ErrorEquals }) => ErrorEquals);
    return { to: id(next), label: names.includes("States.ALL") ? "on failure" : names.join(", ") };
  });
}

/** A hyphen would be read as the beginning of an arrow. */
function id(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9]/g, "_");
}

/** The JSONata inside the braces, without what Mermaid takes for the end of a line or of a label. */
function condition(expression: string): string {
  return expression
    .replace(/^\{%\s*|\s*%\}$/g, "")
    .replaceAll(/[:;#]/g, " ")
    .replaceAll(/\s+/g, " ");
}
