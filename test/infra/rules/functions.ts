/** What holds of every function: limits, a log, a role and versions of its own, and somewhere to go with what it could not do. */
import { type Deployment, functionLogGroup, functionNameOf, roleName } from "../../../infra/deployment.ts";
import type { States } from "../../../workflows/asl.ts";
import { functionsOf } from "../../../workflows/binding.ts";
import { FUNCTION_NAMES, type FunctionName, LIMITS } from "../../../workflows/modules.ts";
import { promotionDefinition, rollbackDefinition } from "../../../workflows/promotion.asl.ts";
import { pruneDefinition } from "../../../workflows/prune.asl.ts";
import { taskDefinition } from "../../../workflows/task.asl.ts";
import type { Program, Resource } from "../program.ts";
import { at, type Rule } from "./look.ts";

export function functionOf(program: Program, d: Deployment, name: FunctionName): Resource | undefined {
  return program.all("lambda.Function").find(({ inputs }) => inputs.name === functionNameOf(d, name));
}

/** Every function of the table is there, with the limits of the table, and no other. */
export function areAllThere(d: Deployment): Rule {
  return (program) => [
    ...FUNCTION_NAMES.filter((name) => functionOf(program, d, name) === undefined).map(
      (name) => `${name} is missing`,
    ),
    ...program
      .all("lambda.Function")
      .filter(({ inputs }) => !FUNCTION_NAMES.some((name) => functionNameOf(d, name) === inputs.name))
      .map(({ name }) => `${name} is in no table`),
  ];
}

/** What each must be, at which place of its inputs. */
export function areMade(d: Deployment): Rule {
  return (program) =>
    FUNCTION_NAMES.flatMap((name) => {
      const made = functionOf(program, d, name);
      if (made === undefined) return [];
      const wanted = {
        timeout: LIMITS[name].timeoutSeconds,
        memorySize: LIMITS[name].memoryMb,
        runtime: "nodejs24.x",
        handler: "main.handler",
        "architectures.0": "arm64",
        publish: true,
        "tracingConfig.mode": "Active",
        "ephemeralStorage.size": 512,
        "loggingConfig.logGroup": functionLogGroup(d, name),
        "code.archive": `dist/functions/${name}`,
      };
      return Object.entries(wanted).flatMap(([path, value]) =>
        at(made, path) === value ? [] : [`${name}: ${path} is ${JSON.stringify(at(made, path))}`],
      );
    });
}

/** A group that is made before it keeps what is logged for a time, and not for ever. */
export const logsEnd: Rule = (program) => {
  const groups = program.all("cloudwatch.LogGroup");
  const named = [...program.all("lambda.Function")].map((made) => at(made, "loggingConfig.logGroup"));
  return [
    ...named
      .filter((group) => !groups.some(({ inputs }) => inputs.name === group))
      .map((group) => `${group} is made by nobody`),
    ...groups
      .filter(({ inputs }) => !(Number(inputs.retentionInDays) > 0))
      .map(({ name }) => `${name} keeps for ever`),
  ];
};

/** No two functions share a role, and each role is the one that is called after its function. */
export function haveOwnRoles(d: Deployment): Rule {
  return (program) =>
    FUNCTION_NAMES.flatMap((name) => {
      const role = functionOf(program, d, name)?.inputs.role;
      const own = `arn:${d.partition}:iam::${d.account}:role/${roleName(d, name)}`;
      return role === own ? [] : [`${name} runs as ${role}`];
    });
}

/** Machines catch; whoever called the API, `look`, `answer`, `prepare` and `rebuild` is answered; the others leave it in the queue of the dead. */
export function leaveNothingLost(d: Deployment): Rule {
  const answered = new Set<FunctionName>(["api", "look", "answer", "prepare", "rebuild"]);
  const caught = new Set(
    [promotionDefinition(), rollbackDefinition(), taskDefinition(), pruneDefinition()].flatMap(
      (definition) => {
        return catchesAll(definition) ? functionsOf(definition) : [];
      },
    ),
  );
  return (program) =>
    FUNCTION_NAMES.filter((name) => !answered.has(name) && !caught.has(name)).flatMap((name) => {
      const config = program
        .all("lambda.FunctionEventInvokeConfig")
        .find(({ inputs }) => inputs.functionName === functionNameOf(d, name) && inputs.qualifier === "live");
      const queue = config && at(config, "destinationConfig.onFailure.destination");
      return String(queue).startsWith("arn:aws:sqs:") ? [] : [`${name} loses what it cannot do`];
    });
}

/** Every task is caught by itself, or by what stands around it. */
function catchesAll({ States }: Pick<States, "States">): boolean {
  return Object.values(States).every((state) => {
    if (state.Type !== "Task" && state.Type !== "Map" && state.Type !== "Parallel") return true;
    return (
      state.Catch?.some(({ ErrorEquals }) => ErrorEquals.includes("States.ALL")) ||
      (state.Type === "Map" && catchesAll(state.ItemProcessor)) ||
      (state.Type === "Parallel" && state.Branches.every(catchesAll))
    );
  });
}

/** The alias `live` of each points to the version that this deployment published. */
export function haveLiveAliases(d: Deployment): Rule {
  return (program) =>
    FUNCTION_NAMES.flatMap((name) => {
      const alias = program
        .all("lambda.Alias")
        .find(({ inputs }) => inputs.functionName === functionNameOf(d, name) && inputs.name === "live");
      return /^\d+$/.test(String(alias?.inputs.functionVersion))
        ? []
        : [`${name} has no version that is live`];
    });
}
