/** Who assessments are made for and by: reusable identities, some of them entered twice. */
import { drawing } from "./draw.ts";

export interface Person {
  reference: string;
  name: string;
  email: string;
}

export interface Customer extends Person {
  phone: string;
}

export interface Billing {
  reference: string;
  name: string;
  address: string;
  taxNumber: string;
}

export interface Operator extends Person {
  certificate: string;
}

/** How many customers the jobs up to this number are of. */
export function customersOf(jobs: number): number {
  return Math.max(3, Math.ceil(jobs / 16));
}

/** The customer of that number, from 0. Every ninth was entered twice, the second time carelessly. */
export function customerOf(seed: number, number: number): Customer {
  const careless = number % 9 === 8;
  const draw = drawing(seed, "customer", careless ? number - 1 : number);
  const name = `${draw.one(FAMILY)} ${draw.one(TRADES)} ${draw.below(900) + 100}`;
  return {
    reference: `C-${String(number + 1).padStart(5, "0")}`,
    name: careless ? `  ${name.toUpperCase()}` : name,
    email: `office@c${number + 1}.example`,
    phone: `+49 30 ${1_000_000 + draw.below(9_000_000)}`,
  };
}

export function billingOf(customer: Customer): Billing {
  const number = Number(customer.reference.slice(2));
  const draw = drawing(0, "billing", number);
  return {
    reference: customer.reference.replace("C", "B"),
    name: `${customer.name.trim()}, accounts`,
    address: `${1 + draw.below(90)} ${draw.one(STREETS)}, ${draw.one(TOWNS)}`,
    taxNumber: `DE${100_000_000 + draw.below(900_000_000)}`,
  };
}

/** The operator of that number, from 0. */
export function operatorOf(seed: number, number: number): Operator {
  const draw = drawing(seed, "operator", number);
  const reference = `O-${String(number + 1).padStart(3, "0")}`;
  const name = `${draw.one(GIVEN)} ${draw.one(FAMILY)}`;
  return {
    reference,
    name,
    email: `${reference.toLowerCase()}@operators.example`,
    certificate: `SV-${2000 + draw.below(25)}-${reference.slice(2)}`,
  };
}

const GIVEN = ["Ada", "Bruno", "Chiara", "Dilan", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas"];
const FAMILY = [
  "Moreau",
  "Okafor",
  "Lindqvist",
  "Tanaka",
  "Petrov",
  "Haddad",
  "Castillo",
  "Novak",
  "Brandt",
  "Silva",
];
const TRADES = ["Homes", "Estates", "Insurance", "Bridges", "Farms", "Housing", "Properties", "& Söhne"];
export const STREETS = ["Mill Lane", "Hafenstraße", "Rue du Port", "Station Road", "Am Hang", "Calle Mayor"];
export const TOWNS = ["Altenburg", "Brest", "Cádiz", "Dorpat", "Erlach", "Fjällbo"];
