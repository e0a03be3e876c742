/** A small map of a FeatureCollection: where its features lie among each other, as dots, lines and areas, without anything from elsewhere. */

export interface Outline {
  /** The drawing's own units. */
  width: number;
  height: number;
  dots: { x: number; y: number }[];
  /** As the `d` of an SVG path. */
  lines: string[];
  areas: string[];
  /** West, south, east and north of all that is drawn. */
  bounds: [number, number, number, number];
  drawn: number;
}

const WIDTH = 640;
const LONGEST = 480;
const EDGE = 12;

type Position = readonly [number, number];

interface Shapes {
  dots: Position[];
  lines: Position[][];
  areas: Position[][][];
}

/** Of features whose geometries were checked when they were written; undefined where none of them has a place. */
export function outlineOf(features: readonly { geometry: unknown }[]): Outline | undefined {
  const shapes: Shapes = { dots: [], lines: [], areas: [] };
  const drawn = features.filter(({ geometry }) => gather(geometry, shapes)).length;
  const all = [...shapes.dots, ...shapes.lines.flat(), ...shapes.areas.flat(2)];
  if (all.length === 0) return undefined;
  const bounds: Outline["bounds"] = [180, 90, -180, -90];
  for (const [x, y] of all) {
    bounds[0] = Math.min(bounds[0], x);
    bounds[1] = Math.min(bounds[1], y);
    bounds[2] = Math.max(bounds[2], x);
    bounds[3] = Math.max(bounds[3], y);
  }
  const [west, south, east, north] = bounds;
  // A degree of longitude is shorter the nearer it is to a pole; the middle's length does for what fits on a small map.
  const squeeze = Math.max(Math.cos((((south + north) / 2) * Math.PI) / 180), 0.05);
  const across = Math.max((east - west) * squeeze, 1e-6);
  const up = Math.max(north - south, 1e-6);
  const scale = Math.min((WIDTH - 2 * EDGE) / across, (LONGEST - 2 * EDGE) / up);
  const width = WIDTH;
  const height = Math.ceil(Math.max(up * scale, 40) + 2 * EDGE);
  const left = (width - across * scale) / 2;
  const top = (height - up * scale) / 2;
  const placed = ([x, y]: Position) => ({
    x: rounded(left + (x - west) * squeeze * scale),
    y: rounded(top + (north - y) * scale),
  });
  const path = (positions: readonly Position[]) =>
    positions
      .map(placed)
      .map(({ x, y }, at) => `${at === 0 ? "M" : "L"}${x} ${y}`)
      .join("");
  return {
    ...{ width, height, bounds, drawn, dots: shapes.dots.map(placed), lines: shapes.lines.map(path) },
    areas: shapes.areas.map((rings) => rings.map((ring) => `${path(ring)}Z`).join("")),
  };
}

const rounded = (value: number) => Math.round(value * 10) / 10;

/** True when there was something to draw. */
function gather(geometry: unknown, into: Shapes): boolean {
  if (typeof geometry !== "object" || geometry === null) return false;
  const { type, coordinates, geometries } = geometry as {
    type: string;
    coordinates: never;
    geometries?: unknown[];
  };
  if (type === "Point") into.dots.push(coordinates);
  else if (type === "MultiPoint") into.dots.push(...(coordinates as Position[]));
  else if (type === "LineString") into.lines.push(coordinates);
  else if (type === "MultiLineString") into.lines.push(...(coordinates as Position[][]));
  else if (type === "Polygon") into.areas.push(coordinates);
  else if (type === "MultiPolygon") into.areas.push(...(coordinates as Position[][][]));
  else return (geometries ?? []).map((one) => gather(one, into)).some(Boolean);
  return true;
}
