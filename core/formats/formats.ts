/** Every format by its word in rehearsal.yaml. */
import { dbmate } from "./dbmate.ts";
import { drizzle } from "./drizzle.ts";
import { flyway } from "./flyway.ts";
import type { Format, FormatName } from "./format.ts";
import { golangMigrate } from "./golang-migrate.ts";
import { goose } from "./goose.ts";
import { graphileMigrate } from "./graphile-migrate.ts";
import { native } from "./native.ts";
import { nodePgMigrate } from "./node-pg-migrate.ts";
import { prisma } from "./prisma.ts";
import { sqitch } from "./sqitch.ts";
import { timestamped } from "./timestamped.ts";

export const FORMATS: { readonly [K in FormatName]: Format } = {
  native,
  dbmate,
  flyway,
  "golang-migrate": golangMigrate,
  goose,
  prisma,
  drizzle,
  sqitch,
  "graphile-migrate": graphileMigrate,
  "node-pg-migrate": nodePgMigrate,
  timestamped,
};
