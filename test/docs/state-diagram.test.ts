/** The state diagram: every state and every edge of a machine, and of the true one. */
import { expect, test } from "vitest";
import { stateDiagram } from "../../docs/state-diagram.ts";
import { promotionDefinition } from "../../workflows/promotion.asl.ts";

test("draws the way on, forks, failures and ends", () => {
  expect(
    stateDiagram({
      StartAt: "back-up",
      States: {
        "back-up": {
          Type: "Task",
          Next: "fork",
          Catch: [
            { ErrorEquals: ["States.Timeout"], Next: "hold" },
            { ErrorEquals: ["States.ALL"], Next: "hold" },
            { ErrorEquals: ["Cancelled", "Rejected"], Next: "done" },
          ],
        },
        fork: {
          Type: "Choice",
          Choices: [{ Condition: "{% $a = 'x; y' %}", Next: "done" }],
          Default: "hold",
        },
        done: { Type: "Succeed" },
        hold: { Type: "Pass", End: true },
      },
    }).split(/\n\s*/),
  ).toEqual([
    "stateDiagram-v2",
    'state "back-up" as back_up',
    "state fork <<choice>>",
    'state "done" as done',
    'state "hold" as hold',
    "[*] --> back_up",
    "back_up --> fork",
    "back_up --> hold : on failure",
    "back_up --> done : Cancelled, Rejected",
    "fork --> done : $a = 'x y'",
    "fork --> hold : otherwise",
    "done --> [*]",
    "hold --> [*]",
  ]);
});

test("shows each state of the promotion, with a way into it and a way out", () => {
  const machine = promotionDefinition();
  const drawn = stateDiagram(machine);
  for (const name of Object.keys(machine.States)) {
    const id = name.replaceAll("-", "_");
    expect(drawn).toMatch(new RegExp(`^ *state .*\\b${id}\\b`, "m"));
    expect(drawn).toMatch(new RegExp(`--> ${id}\\b`));
    expect(drawn).toMatch(new RegExp(`^ *${id} -->`, "m"));
  }
});
