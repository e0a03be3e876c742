/** Geometries as RFC 7946 has them: longitude before latitude on WGS 84, rings closed, outer ones counterclockwise. */
import { numberOf, parseExact } from "./exact-json.ts";

/** A geometry that a feature may have, its numbers as they were written; or what is wrong with it. */
export type ReadGeometry = { json: string } | { problem: string };

/** A point of a longitude and a latitude that are decimal texts. */
export function pointOf(longitude: string, latitude: string): ReadGeometry {
  const problem = positionProblem([Number(longitude), Number(latitude)]);
  return problem === undefined
    ? { json: `{"type":"Point","coordinates":[${longitude},${latitude}]}` }
    : { problem };
}

/** A geometry's JSON, with its rings turned the right way and nothing but what RFC 7946 names. */
export function geometryOf(text: string): ReadGeometry {
  const value = parseExact(text);
  if (value === undefined) return { problem: "is nested too deeply" };
  return geometryOfValue(value.json);
}

/** The same of a value whose numbers are exact. */
export function geometryOfValue(value: unknown): ReadGeometry {
  try {
    return { json: JSON.stringify(rebuilt(value, 0)) };
  } catch (error) {
    if (error instanceof Unfit) return { problem: error.message };
    throw error;
  }
}

class Unfit extends Error {}

/** Members of one geometry. Collections in collections are what RFC 7946 advises against; more than a few are refused. */
function rebuilt(value: unknown, depth: number): object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Unfit("is no geometry");
  const { type, coordinates, geometries, crs } = value as Record<string, unknown>;
  if (crs !== undefined) throw new Unfit("names another system of coordinates than WGS 84");
  if (type === "GeometryCollection") {
    if (depth > 4) throw new Unfit("has collections inside collections");
    return { type, geometries: list(geometries).map((one) => rebuilt(one, depth + 1)) };
  }
  const shape = typeof type === "string" ? SHAPES[type] : undefined;
  if (shape === undefined) throw new Unfit("is no geometry that GeoJSON knows");
  return { type, coordinates: shape(coordinates) };
}

const SHAPES: Record<string, ((coordinates: unknown) => unknown) | undefined> = {
  Point: position,
  MultiPoint: (value) => list(value).map(position),
  LineString: line,
  MultiLineString: (value) => list(value).map(line),
  Polygon: polygon,
  MultiPolygon: (value) => list(value).map(polygon),
};

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Unfit("has coordinates that are no list");
  return value;
}

function position(value: unknown): unknown[] {
  const numbers = list(value).map(numberOf);
  const problem = positionProblem(numbers);
  if (problem !== undefined) throw new Unfit(problem);
  return list(value);
}

function positionProblem(numbers: (number | undefined)[]): string | undefined {
  const [longitude = Number.NaN, latitude = Number.NaN, altitude = 0] = numbers;
  if (numbers.length < 2 || numbers.length > 3 || numbers.some((one) => !Number.isFinite(one)))
    return "has a position that is not two or three numbers";
  if (Math.abs(longitude) > 180 || Math.abs(latitude) > 90 || !Number.isFinite(altitude))
    return `has a position outside the earth: ${longitude}, ${latitude}`;
  return undefined;
}

function line(value: unknown): unknown[] {
  const positions = list(value).map(position);
  if (positions.length < 2) throw new Unfit("has a line of fewer than two positions");
  return positions;
}

function polygon(value: unknown): unknown[] {
  return list(value).map((one, place) => {
    const ring = list(one).map(position);
    const [first, last] = [ring[0], ring.at(-1)].map((end) => JSON.stringify(end?.map(numberOf)));
    if (ring.length < 4 || first !== last)
      throw new Unfit("has a ring that is not closed, or of fewer than four positions");
    const outer = place === 0;
    return turn(ring) > 0 === outer ? ring : ring.reverse();
  });
}

/** Twice the ring's area: above zero when it runs counterclockwise. */
function turn(ring: readonly unknown[][]): number {
  let area = 0;
  for (let at = 1; at < ring.length; at++) {
    const [[x0 = 0, y0 = 0] = [], [x1 = 0, y1 = 0] = []] = [ring[at - 1], ring[at]].map((one) =>
      (one ?? []).map((part) => numberOf(part) ?? 0),
    );
    area += x0 * y1 - x1 * y0;
  }
  return area;
}
