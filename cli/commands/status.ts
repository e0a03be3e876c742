/** `rehearsal status`: where one promotion stands, or the newest ones. */
import { Command } from "commander";
import { detail, promotions } from "../answers.ts";
import type { Context, Declare, Outcome } from "../command.ts";
import { moreBehind } from "../paging.ts";
import { describeDetail } from "../promotion-text.ts";
import { columns, short, when } from "../text.ts";

interface Options {
  environment?: string;
  limit: string;
  cursor?: string;
}

export const statusCommand: Declare = (act) =>
  new Command("status")
    .description("Where a promotion stands; without one, the newest promotions")
    .argument("[promotion]")
    .option("--environment <name>", "only those of one environment")
    .option("--limit <count>", "how many", "20")
    .option("--cursor <next>", "go on where a page before it ended")
    .action(
      act(async (context, id: string | undefined, options: Options) => {
        if (id === undefined) return listed(context, options);
        const client = await context.client();
        const found = await client.get(`/promotions/${encodeURIComponent(id)}`, detail);
        return { value: found, text: describeDetail(found) };
      }),
    );

async function listed(context: Context, { environment, limit, cursor }: Options): Promise<Outcome> {
  const query = new URLSearchParams({
    limit,
    ...(environment !== undefined && { environment }),
    ...(cursor !== undefined && { cursor }),
  });
  const client = await context.client();
  const found = await client.get(`/promotions?${query}`, promotions);
  const rows = found.promotions.map((one) => [
    one.id,
    one.environment,
    short(one.release),
    one.status,
    when(one.createdAt),
    one.requestedBy,
    one.error?.code ?? "",
  ]);
  const head = ["PROMOTION", "ENVIRONMENT", "RELEASE", "STATUS", "STARTED", "BY", "REASON"];
  return {
    value: found,
    text: rows.length === 0 ? "no promotion yet" : columns([head, ...rows]) + moreBehind(found.next),
  };
}
