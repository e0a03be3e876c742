/** A record's payload as a FeatureCollection of RFC 7946. */
import { valueAt, valuesAt } from "../json-path.ts";
import type { DocumentDefinition } from "./definition.ts";
import { numberText } from "./exact-json.ts";
import { geometryOfValue, pointOf, type ReadGeometry } from "./geometry.ts";

/** The collection's bytes as text, or what is wrong with the payload. */
export function featuresOf(
  { document }: DocumentDefinition,
  payload: unknown,
): { text: string } | { problem: string } {
  const { geojson } = document;
  if (geojson === undefined) throw new Error("the document has no geojson");
  const features: string[] = [];
  for (const [place, item] of valuesAt(payload, geojson.of).entries()) {
    const geometry = geometryIn(item, geojson.geometry);
    if (geometry !== null && "problem" in geometry)
      return { problem: `the geometry of feature ${place + 1} ${geometry.problem}` };
    const properties = Object.entries(geojson.properties).map(
      ([name, path]) => `${JSON.stringify(name)}:${JSON.stringify(valueAt(item, path) ?? null)}`,
    );
    features.push(
      `{"type":"Feature","geometry":${geometry?.json ?? "null"},"properties":{${properties.join(",")}}}`,
    );
  }
  return { text: `{"type":"FeatureCollection","features":[\n${features.join(",\n")}\n]}\n` };
}

function geometryIn(
  item: unknown,
  at: NonNullable<DocumentDefinition["document"]["geojson"]>["geometry"],
): ReadGeometry | null {
  if ("geojson" in at) {
    const value = valueAt(item, at.geojson) ?? null;
    return value === null ? null : geometryOfValue(value);
  }
  const [longitude, latitude] = [valueAt(item, at.longitude) ?? null, valueAt(item, at.latitude) ?? null];
  if (longitude === null && latitude === null) return null;
  const [x, y] = [numberText(longitude), numberText(latitude)];
  return x === undefined || y === undefined ? { problem: "is not two numbers" } : pointOf(x, y);
}
