/** An S3 endpoint in a process of its own, to be killed or measured: its URL on the first line out, its peak of memory for each line in. */
import { startS3 } from "../../local/s3/server.ts";

const [, , folder = ""] = process.argv;
const endpoint = await startS3({ folder });
process.stdout.write(`${endpoint.url}\n`);
process.stdin.on("data", () => process.stdout.write(`${process.resourceUsage().maxRSS * 1_024}\n`));
// However its parent ends, it does not outlive it.
process.stdin.on("end", () => process.exit());
