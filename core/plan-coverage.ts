/** Holds data plans against the migrations they are about: neither less nor more than what the SQL does may be planned. */
import { type DataPlan, LOSS, planPath, unfinished } from "./data-plan.ts";
import { RehearsalError } from "./errors.ts";
import type { Migration, Statement } from "./migration.ts";
import { numberText } from "./migration-name.ts";
import { mayBeSame, readName, writeName } from "./plain-name.ts";
import { needingMigration, needingPlan } from "./plan-need.ts";
import type { Repeatable } from "./runs.ts";

interface Planned {
  migrations: readonly Migration[];
  plans: readonly DataPlan[];
  views?: readonly Repeatable[];
  seeds?: readonly Repeatable[];
}

interface PlanScope {
  /** The paths of the migrations that will run; without it every plan is held against its migration. */
  pending?: ReadonlySet<string>;
  /** Whether a pending migration that needs a plan may have none. */
  policy: "required" | "optional";
}

export interface Coverage {
  /** The plans of what will run, by number: what is approved with it. */
  plans: DataPlan[];
  /** Statements that need a plan and have none, with their files. */
  unplanned: { path: string; statement: Statement }[];
}

/** Throws `PlanOrphaned`, `PlanUnfinished`, `PlanTooWide`, `PlanTooNarrow`, `PlanMissing` or `PlanImpossible`, naming the statements. A plan of what is applied already is a record, and is not looked at again. */
export function coverPlans(
  { migrations, plans, views = [], seeds = [] }: Planned,
  { pending, policy }: PlanScope,
): Coverage {
  const found: Coverage = { plans: [], unplanned: [] };
  // Only a squash leaves numbers free, and the plans of those it stands for stay.
  for (const plan of plans)
    if (!migrations.some(({ version }) => version >= plan.version))
      throw new RehearsalError("PlanOrphaned", { plan: plan.path, migration: numberText(plan.version) });
  for (const migration of migrations) {
    if (pending !== undefined && !pending.has(migration.path)) continue;
    const own = plans.filter((plan) => isAbout(plan, migration));
    // A squash is what its originals were, whose plans were held against them while they stood.
    if (migration.squashes === undefined) for (const plan of own) assertFits(plan, migration);
    found.plans.push(...own);
    if (own.length === 0 || migration.squashes !== undefined) {
      const missing = needingPlan(migration).filter(({ fingerprint }) => !names(own, fingerprint));
      if (missing.length > 0 && policy === "required") throw planMissing(migration, missing);
      found.unplanned.push(...missing.map((statement) => ({ path: migration.path, statement })));
    }
  }
  // Seeds never run where plans must be; unless they are known to run, nothing is to be told of them.
  for (const { path, statements } of [...views, ...(pending === undefined ? [] : seeds)]) {
    if (pending !== undefined && !pending.has(path)) continue;
    const missing = needingMigration({ statements: [...statements] });
    if (missing.length > 0 && policy === "required")
      throw new RehearsalError("PlanImpossible", { path, statements: few(missing.map(told)) });
    found.unplanned.push(...missing.map((statement) => ({ path, statement })));
  }
  return found;
}

/** True for the plan of that migration, and for the plans of those that it stands for as their squash, which has the last one's number. */
export function isAbout(
  plan: Pick<DataPlan, "version">,
  { version, squashes }: Pick<Migration, "version" | "squashes">,
): boolean {
  return plan.version <= version && plan.version > version - Math.max(1, squashes?.length ?? 1);
}

function names(plans: readonly DataPlan[], fingerprint: string): boolean {
  return plans.some(({ statements }) => statements.some((one) => one.fingerprint === fingerprint));
}

function assertFits(plan: DataPlan, migration: Migration): void {
  const open = unfinished(plan);
  if (open.length > 0) throw new RehearsalError("PlanUnfinished", { plan: plan.path, fields: few(open) });
  const problems = tooWide(plan, migration);
  if (problems.length > 0)
    throw new RehearsalError("PlanTooWide", {
      plan: plan.path,
      migration: migration.path,
      problems: few(problems),
    });
  const missing = tooNarrow(plan, migration);
  if (missing.length > 0)
    throw new RehearsalError("PlanTooNarrow", {
      plan: plan.path,
      migration: migration.path,
      missing: few(missing),
    });
}

function planMissing(migration: Migration, missing: readonly Statement[]): RehearsalError {
  return new RehearsalError("PlanMissing", {
    plan: planPath(migration.version),
    migration: migration.path,
    number: numberText(migration.version),
    statements: few(missing.map(told)),
  });
}

/** More than these nobody reads in one line, and a state machine carries no book. */
const TOLD = 10;

/** The first of them, and how many more there are. */
export function few(lines: readonly string[]): string {
  const more = lines.length - TOLD;
  return lines.slice(0, TOLD).join("; ") + (more > 0 ? `; and ${more} more` : "");
}

/** A statement as a refusal names it: `line 3: drop table "files" (0123456789abcdef)`. */
export function told({
  line,
  summary,
  fingerprint,
}: Pick<Statement, "line" | "summary" | "fingerprint">): string {
  return `line ${line}: ${summary} (${fingerprint})`;
}

/** What the plan says of things that the migration does not do. */
function tooWide(plan: DataPlan, { statements, version, key }: Migration): string[] {
  const problems: string[] = [];
  const said = String(plan.migration);
  if (said !== numberText(version) && said !== String(version) && said !== key)
    problems.push(`it says it is about migration ${said}`);
  const named = [...plan.statements.map(({ fingerprint }) => fingerprint), ...plan.deterministic];
  for (const fingerprint of new Set(named))
    if (!statements.some((one) => one.fingerprint === fingerprint))
      problems.push(`no statement of the migration has the fingerprint ${fingerprint}`);
  for (const { fingerprint, objects } of plan.statements) {
    const same = statements.filter((one) => one.fingerprint === fingerprint);
    if (same.some(({ touches }) => touches.opaque)) continue;
    for (const object of objects)
      if (
        !same.some((one) => one.touches.objects.some(({ name }) => isWithin(name, partsOf(object)))) &&
        same[0]
      )
        problems.push(`${told(same[0])} does not touch ${object}`);
  }
  const planned = statements.filter(({ fingerprint }) => named.includes(fingerprint));
  if (planned.some(({ touches }) => touches.opaque)) return problems;
  for (const loss of Object.keys(plan.loses))
    if (!planned.some((statement) => lossesOf(statement).some((one) => isLoss(loss, one))))
      problems.push(`no planned statement loses "${loss}"`);
  return problems;
}

/** What the migration does and the plan leaves unsaid. */
function tooNarrow(plan: DataPlan, migration: Migration): string[] {
  return needingPlan(migration).flatMap((statement) => {
    const covering = plan.statements.filter(({ fingerprint }) => fingerprint === statement.fingerprint);
    if (covering.length === 0) return [told(statement)];
    const objects = covering.flatMap((one) => one.objects.map(partsOf));
    const unnamed = statement.touches.objects.filter(
      ({ name }) => !objects.some((object) => isWithin(name, object)),
    );
    const problems = unnamed.map(
      ({ kind, name }) => `${kind} ${writeName(name)} among the objects of ${told(statement)}`,
    );
    if (lossesOf(statement).length > 0 && covering.every(({ loses }) => loses === undefined))
      problems.push(`what is lost ("loses") by ${told(statement)}`);
    return problems;
  });
}

/** True when `object` is the touched one, or what it is a part of. */
function isWithin(touched: readonly string[], object: readonly string[]): boolean {
  return mayBeSame(touched, object) || (touched.length > 1 && mayBeSame(touched.slice(0, -1), object));
}

export interface Loss {
  /** "table", "column", "rows of" */
  kind: string;
  name: readonly string[];
}

/** What of the content of tables the statement may lose. */
export function lossesOf({ touches }: Pick<Statement, "touches">): Loss[] {
  return touches.objects.flatMap(({ loses, name }) =>
    loses === undefined ? [] : [{ kind: LOSS_KINDS[loses], name }],
  );
}

const LOSS_KINDS = { rows: "table", values: "column", "written rows": "rows of" } as const;

/** The loss that a key of a plan's `loses` means: `table public.files`. */
export function statedLoss(key: string): Loss | undefined {
  const [, kind, object] = LOSS.exec(key) ?? [];
  return kind === undefined || object === undefined ? undefined : { kind, name: partsOf(object) };
}

/** True when the key of a plan's `loses` means that loss. */
export function isLoss(key: string, { kind, name }: Loss): boolean {
  const stated = statedLoss(key);
  return stated?.kind === kind && mayBeSame(stated.name, name);
}

function partsOf(name: string): string[] {
  return readName(name) ?? [];
}
