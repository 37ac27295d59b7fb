import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

export interface Column<Row> {
  title: string;
  cell: (row: Row) => ComponentChildren;
  /** By what the column sorts; a column without it does not sort. */
  by?: (row: Row) => number | string;
  numeric?: boolean;
  wide?: boolean; // long text, which may break
}

interface Props<Row> {
  caption: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string;
  sortedBy?: string; // the title of a column; the largest first when it is numeric
  empty: string;
  /** Told of each change of the order, where there are more rows than are shown. */
  onOrder?: (title: string) => void;
}

interface Order {
  title: string;
  descending: boolean;
}

/** A table with a heading for each column; those that sort do so by a button in it. */
export function Table<Row>({ caption, columns, rows, keyOf, sortedBy, empty, onOrder }: Props<Row>) {
  const starting = columns.find((column) => column.title === sortedBy);
  const [order, setOrder] = useState<Order | null>(
    starting ? { title: starting.title, descending: starting.numeric === true } : null,
  );
  const change = (next: Order) => {
    setOrder(next);
    onOrder?.(next.title);
  };
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  return (
    <div class="scroll" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Heading key={column.title} column={column} order={order} onOrder={change} />
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted(rows, columns, order).map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column, number) =>
                number === 0 ? (
                  <th key={column.title} scope="row" class={column.wide ? "wide" : undefined}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.title} class={column.numeric ? "number" : column.wide ? "wide" : undefined}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface HeadingProps<Row> {
  column: Column<Row>;
  order: Order | null;
  onOrder: (order: Order) => void;
}

function Heading<Row>({ column, order, onOrder }: HeadingProps<Row>) {
  const { title, numeric } = column;
  const own = order?.title === title ? order : null;
  const sort = own ? (own.descending ? "descending" : "ascending") : column.by ? "none" : undefined;
  const next = { title, descending: own ? !own.descending : numeric === true };
  return (
    <th scope="col" aria-sort={sort} class={numeric ? "number" : undefined}>
      {column.by ? (
        <button type="button" onClick={() => onOrder(next)}>
          {title}
          <span aria-hidden="true">{own ? (own.descending ? " ↓" : " ↑") : ""}</span>
        </button>
      ) : (
        title
      )}
    </th>
  );
}

function sorted<Row>(rows: Row[], columns: Column<Row>[], order: Order | null): Row[] {
  const by = columns.find((column) => column.title === order?.title)?.by;
  if (!by || !order) return rows;
  const sign = order.descending ? -1 : 1;
  return [...rows].sort((one, other) => {
    const [a, b] = [by(one), by(other)];
    return sign * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
  });
}
