// Grafana's own types of a dashboard, as JSON writes it: a dashboard of ours is checked against Form by the compiler
// alone (test_grafana.py), and nothing of this is ever run.
import type { Dashboard, FieldConfig, FieldConfigSource, Panel, VariableModel } from "@grafana/schema";
import type { PrometheusDataQuery } from "grafana/prometheus";
import type { FieldConfig as Custom, Options } from "grafana/timeseries";

/** Enumerations stand there by their values. */
type Written<T> = T extends string
  ? `${T}`
  : T extends number
    ? `${T}` extends `${infer Value extends number}`
      ? Value
      : never
    : T extends object
      ? { [Key in keyof T]: Written<T[Key]> }
      : T;

/** Of those fields Grafana's types leave open what each kind of panel and source puts there. */
type Filled<T, Fields> = Omit<T, keyof Fields> & Fields;
type TimeSeries = Filled<
  Panel,
  {
    type: "timeseries";
    options: Options;
    targets: PrometheusDataQuery[];
    fieldConfig: Filled<FieldConfigSource, { defaults: Filled<FieldConfig, { custom: Custom }> }>;
  }
>;

export type Form = Written<Filled<Dashboard, { panels: TimeSeries[]; templating: { list: VariableModel[] } }>>;
