/** The npm package asl-validator and our own reading of definitions, held against each other. */
import validate from "asl-validator";
import { expect, test } from "vitest";
import { parseDefinition } from "../../../local/step-functions/definition.ts";
import { INVOKE, machine } from "./stage.ts";

const task = (more: object) =>
  machine("A", { A: { Type: "Task", Resource: INVOKE, Arguments: {}, ...more } });
const pass = (more: object) => machine("A", { A: { Type: "Pass", End: true, ...more } });
const done = { Type: "Succeed" };

const accepts = (definition: object) => "definition" in parseDefinition(JSON.stringify(definition));
const validatorAccepts = (definition: object) =>
  validate(definition, { checkPaths: true, checkArn: true }).isValid;

test.each<[string, object]>([
  [
    "expressions in every field that takes them",
    task({ TimeoutSeconds: "{% 5 %}", HeartbeatSeconds: "{% 2 %}", End: true }),
  ],
  [
    "a catcher with Assign and Output",
    machine("A", {
      A: {
        Type: "Task",
        Resource: INVOKE,
        Arguments: {},
        Catch: [
          { ErrorEquals: ["States.ALL"], Assign: { a: 1 }, Output: "{% $states.errorOutput %}", Next: "B" },
        ],
        End: true,
      },
      B: done,
    }),
  ],
  ["a Fail with expressions", machine("A", { A: { Type: "Fail", Error: "{% 'a' %}", Cause: "{% 'b' %}" } })],
  [
    "a Map with expressions",
    machine("A", {
      A: {
        Type: "Map",
        Items: "{% [1] %}",
        MaxConcurrency: "{% 2 %}",
        ToleratedFailureCount: "{% 1 %}",
        ItemProcessor: { StartAt: "B", States: { B: { Type: "Pass", End: true } } },
        End: true,
      },
    }),
  ],
])("both accept %s", (_, definition) => {
  expect([accepts(definition), validatorAccepts(definition)]).toEqual([true, true]);
});

test.each<[string, object]>([
  ["JSONata that does not parse", pass({ Output: "{% 1 + %}" })],
  ["a JSONPath field", pass({ Parameters: {} })],
  ["a field nobody knows", pass({ Foo: 1 })],
  ["Timeout for TimeoutSeconds", task({ Timeout: 5, End: true })],
  ["a missing target", machine("A", { A: { Type: "Pass", Next: "B" } })],
  ["a state nothing leads to", machine("A", { A: done, B: done })],
  [
    "a JSONPath rule in a Choice",
    machine("A", { A: { Type: "Choice", Choices: [{ Variable: "$.a", IsNull: true, Next: "B" }] }, B: done }),
  ],
])("both refuse %s", (_, definition) => {
  expect([accepts(definition), validatorAccepts(definition)]).toEqual([false, false]);
});

test.each<[string, object]>([
  ["States.ALL beside another", task({ Retry: [{ ErrorEquals: ["States.ALL", "X"] }], End: true })],
  [
    "an inner variable with an outer one's name",
    machine("A", {
      A: { Type: "Pass", Assign: { v: 1 }, Next: "B" },
      B: {
        Type: "Parallel",
        Branches: [{ StartAt: "C", States: { C: { Type: "Pass", Assign: { v: 2 }, End: true } } }],
        End: true,
      },
    }),
  ],
  [
    "a service that is not served here",
    machine("A", {
      A: { Type: "Task", Resource: "arn:aws:states:::sqs:sendMessage", Arguments: {}, End: true },
    }),
  ],
])("we alone refuse %s", (_, definition) => {
  expect([accepts(definition), validatorAccepts(definition)]).toEqual([false, true]);
});
