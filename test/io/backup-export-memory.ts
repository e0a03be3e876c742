/** Exports the backup of `memory/manifest.json` in a process whose memory is its own to measure; tells the outcome as JSON. */
import { parseManifest } from "../../core/backup-manifest.ts";
import { exportBackup } from "../../io/backup-export.ts";
import { openObjectStore } from "../../io/object-store.ts";

const store = openObjectStore({ bucket: process.argv[2] ?? "" });
// The SDK is loaded before the measure begins: its code is not what grows with the backup.
const manifest = parseManifest(await store.get("memory/manifest.json"));
const before = process.memoryUsage.rss();
let bytes = 0;
for await (const piece of exportBackup({ store, manifest, format: "custom", compression: 1 }))
  bytes += piece.bytes.length;
store.close();
process.stdout.write(JSON.stringify({ bytes, grown: process.resourceUsage().maxRSS * 1024 - before }));
