import { KILL_POINTS } from "../service/kill-points.ts";
import { testKills } from "../service/kill-test.ts";

const BEFORE = ["admit", "snapshot", "back-up", "restore", "rehearse", "decide"];

testKills(
  "kill-before-the-fence",
  KILL_POINTS.filter(({ step }) => BEFORE.includes(step)),
);
