/** A mail when the stage costs more than its user expects. */
import { prefix } from "./deployment.ts";
import type { Place } from "./place.ts";

/** Costs are told apart by the tags that every resource carries; they must be activated once in the account's billing. */
export function createBudget({ deployment: d, settings }: Place): aws.budgets.Budget | undefined {
  const { budget, alarms } = settings;
  if (budget === undefined) return undefined;
  const mail = (type: "ACTUAL" | "FORECASTED", percent: number) => ({
    ...{ notificationType: type, comparisonOperator: "GREATER_THAN", thresholdType: "PERCENTAGE" },
    ...{ threshold: percent, subscriberEmailAddresses: alarms.email === undefined ? [] : [alarms.email] },
  });
  return new aws.budgets.Budget("Budget", {
    ...{ name: prefix(d), budgetType: "COST", timeUnit: "MONTHLY" },
    ...{ limitAmount: String(budget.monthlyUsd), limitUnit: "USD" },
    costFilters: [{ name: "TagKeyValue", values: [`user:sst:stage$${d.stage}`] }],
    notifications: alarms.email === undefined ? [] : [mail("ACTUAL", 80), mail("FORECASTED", 100)],
  });
}
