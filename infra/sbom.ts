/** What the bundles are made of, as a CycloneDX 1.6 document: the packages whose code or files are truly in one of them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Contrib, Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import * as z from "zod";

const ROOT = join(import.meta.dirname, "..");

export interface Contents {
  /** The bundle's name. */
  name: string;
  /** Folders of its packages, as the lockfile names them. */
  packages: readonly string[];
}

const lockSchema = z.object({
  name: z.string(),
  version: z.string(),
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      integrity: z.string().optional(),
      license: z.string().optional(),
      dependencies: z.record(z.string(), z.string()).default({}),
      peerDependencies: z.record(z.string(), z.string()).default({}),
    }),
  ),
});

type Lock = z.infer<typeof lockSchema>;

/**
 * The document, the same for the same lockfile and bundles: it has no serial number and no time. A component's hash is its
 * archive's in the registry, and `rehearsal:bundle` names the bundles it is in. Throws where the lockfile does not know a
 * package: then what is bundled is not what is locked.
 */
export async function billOfMaterials(bundles: readonly Contents[]): Promise<string> {
  const lock = lockSchema.parse(JSON.parse(await readFile(join(ROOT, "package-lock.json"), "utf8")));
  const folders = [...new Set(bundles.flatMap(({ packages }) => packages))].sort();
  const components = new Map<string, Models.Component>();
  for (const folder of folders) {
    const within = bundles.filter(({ packages }) => packages.includes(folder)).map(({ name }) => name);
    components.set(folder, componentOf(lock, folder, within));
  }
  const product = new Models.Component(Enums.ComponentType.Application, lock.name, {
    version: lock.version,
    bomRef: lock.name,
  });
  product.licenses.add(licenceOf(lock.packages[""]?.license));
  for (const [folder, component] of [["", product] as const, ...components])
    for (const name of needsOf(lock, folder)) {
      const needed = components.get(resolvedFrom(lock, folder, name) ?? "");
      if (needed !== undefined) component.dependencies.add(needed.bomRef);
    }
  const bom = new Models.Bom({
    metadata: new Models.Metadata({ component: product }),
    components: new Models.ComponentRepository(components.values()),
  });
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function componentOf(lock: Lock, folder: string, bundles: readonly string[]): Models.Component {
  const locked = lock.packages[folder];
  if (locked?.version === undefined) throw new Error(`package-lock.json does not know ${folder}`);
  const fullName = folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);
  const [name = "", group] = fullName.split("/").reverse();
  const component = new Models.Component(Enums.ComponentType.Library, name, {
    ...(group !== undefined && { group }),
    version: locked.version,
    purl: `pkg:npm/${fullName.replace("@", "%40")}@${locked.version}`,
    bomRef: folder,
    properties: new Models.PropertyRepository(
      bundles.map((bundle) => new Models.Property("rehearsal:bundle", bundle)),
    ),
  });
  const [algorithm, hash] = locked.integrity?.split("-") ?? [];
  if (algorithm === "sha512" && hash !== undefined)
    component.hashes.set(Enums.HashAlgorithm["SHA-512"], Buffer.from(hash, "base64").toString("hex"));
  const licence = locked.license ?? UNSAID[fullName];
  if (licence !== undefined) component.licenses.add(licenceOf(licence));
  return component;
}

/** Of packages whose package.json names none, and whose LICENSE is this. */
const UNSAID: Record<string, string> = { "png-js": "MIT" };

const LICENCES = new Contrib.License.Factories.LicenseFactory((expression) => {
  if (!/ (AND|OR|WITH) /.test(expression))
    throw new RangeError(`"${expression}" names no choice of licences`);
});

const licenceOf = (licence = "") => LICENCES.makeFromString(licence);

function needsOf(lock: Lock, folder: string): string[] {
  const { dependencies = {}, peerDependencies = {} } = lock.packages[folder] ?? {};
  return [...Object.keys(dependencies), ...Object.keys(peerDependencies)];
}

/** Where Node finds a package from within another: in its own folder of packages, or in one further out. */
function resolvedFrom(lock: Lock, folder: string, name: string): string | undefined {
  for (let within = folder; ; within = within.slice(0, Math.max(0, within.lastIndexOf("/node_modules/")))) {
    const candidate = within === "" ? `node_modules/${name}` : `${within}/node_modules/${name}`;
    if (lock.packages[candidate] !== undefined) return candidate;
    if (within === "") return undefined;
  }
}
