import { expect, test } from "vitest";

import { growth, oldest, type DatabaseFigures } from "./database";
import { bytes } from "./format";

const database = (name: string, age: number) => ({ database: name, xid_age: age }) as DatabaseFigures;

test("the database with the oldest transaction is the one that counts", () => {
  expect(oldest([])).toBeNull();
  expect(oldest([database("shop", 5), database("postgres", 70), database("old", 7)])?.database).toBe("postgres");
});

test("growth says which way, and nothing before it has been seen", () => {
  expect(growth(null, bytes)).toBeNull();
  expect(growth(2048, bytes)).toBe("2 KiB a day more");
  expect(growth(-2048, bytes)).toBe("2 KiB a day less");
  expect(growth(0.2, bytes)).toBe("as large as before");
});
