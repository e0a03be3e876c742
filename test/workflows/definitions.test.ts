/**
 * Every state machine as it is deployed, held against two validators that know nothing of each other: the npm package
 * asl-validator, and AWS's own language service. Each is shown to refuse what is broken, or its silence would mean nothing.
 */
import { DiagnosticSeverity, getLanguageService, TextDocument } from "amazon-states-language-service";
import validate from "asl-validator";
import { expect, test } from "vitest";
import type { StateMachine } from "../../workflows/asl.ts";
import { bind } from "../../workflows/binding.ts";
import { promotionDefinition, rollbackDefinition } from "../../workflows/promotion.asl.ts";
import { pruneDefinition } from "../../workflows/prune.asl.ts";
import { taskDefinition } from "../../workflows/task.asl.ts";

const bound = (definition: StateMachine) =>
  bind(definition, {
    functionArn: (name) => `arn:aws:lambda:eu-west-1:123456789012:function:rehearsal-prod-${name}:7`,
    container: {
      cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/rehearsal-prod",
      taskDefinition: "arn:aws:ecs:eu-west-1:123456789012:task-definition/rehearsal-prod-container:3",
      securityGroups: ["sg-0a1b2c3d4e5f60718"],
      subnets: ["subnet-0a1b2c3d4e5f60718"],
    },
  });

const MACHINES: [string, StateMachine][] = [
  ["promotion", bound(promotionDefinition())],
  ["rollback", bound(rollbackDefinition())],
  ["task", bound(taskDefinition())],
  ["prune", bound(pruneDefinition())],
  ["promotion-fargate", bound(promotionDefinition({ compute: "fargate" }))],
  ["rollback-fargate", bound(rollbackDefinition({ compute: "fargate" }))],
  ["task-fargate", bound(taskDefinition({ compute: "fargate" }))],
];

/** asl-validator: JSON schemas, and that every state can be reached and leads somewhere. */
function schemaProblems(definition: object): string[] {
  const { errors } = validate(definition, { checkPaths: true, checkArn: true });
  return errors.map((error) => error.Message ?? error["Error code"] ?? "");
}

/** What an editor with AWS's toolkit would underline. */
async function toolkitProblems(definition: object): Promise<string[]> {
  const service = getLanguageService({});
  const text = TextDocument.create("file:///machine.asl.json", "asl", 1, JSON.stringify(definition, null, 2));
  const found = await service.doValidation(text, service.parseJSONDocument(text));
  return found
    .filter(
      ({ severity }) => severity === DiagnosticSeverity.Error || severity === DiagnosticSeverity.Warning,
    )
    .map(({ message, range }) => `${message} (${text.getText(range).slice(0, 80)})`);
}

test.each(MACHINES)(
  "the machine %s is valid to asl-validator and to AWS's language service",
  async (_, definition) => {
    expect(schemaProblems(definition)).toEqual([]);
    expect(await toolkitProblems(definition)).toEqual([]);
  },
);

const broken: [string, (definition: StateMachine) => object][] = [
  ["a state that leads nowhere", (of) => withAdmit(of, { Next: "nowhere" })],
  ["a field that SST's builder would write", (of) => withAdmit(of, { Timeout: 30 })],
  ["no state to start at", ({ StartAt: _, ...of }) => of],
  [
    "a choice without a rule",
    (of) => ({ ...of, States: { ...of.States, "only-rehearsed": { Type: "Choice" } } }),
  ],
];

test.each(broken)("both refuse a promotion with %s", async (_, breaking) => {
  const definition = breaking(bound(promotionDefinition()));
  expect(schemaProblems(definition)).not.toEqual([]);
  expect(await toolkitProblems(definition)).not.toEqual([]);
});

test("an expression that does not parse is found by asl-validator alone, so one validator would not do", async () => {
  const definition = withAdmit(bound(promotionDefinition()), {
    Assign: { admitted: "{% $states.result. %}" },
  });
  expect(schemaProblems(definition)).not.toEqual([]);
  expect(await toolkitProblems(definition)).toEqual([]);
});

function withAdmit(definition: StateMachine, more: object): object {
  return { ...definition, States: { ...definition.States, admit: { ...definition.States.admit, ...more } } };
}
