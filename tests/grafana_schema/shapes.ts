// What a dashboard's JSON must be, made of the types that Grafana 11.6 publishes (@grafana/schema).
import type { Dashboard, DataQuery, DataSourceRef, Panel, RowPanel, VariableModel } from '@grafana/schema';
import type { AnnotationQuery } from '@grafana/schema';
import type * as BarChart from '@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen.d.ts';
import type * as BarGauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen.d.ts';
import type * as Gauge from '@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen.d.ts';
import type * as PieChart from '@grafana/schema/dist/esm/raw/composable/piechart/panelcfg/x/PieChartPanelCfg_types.gen.d.ts';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen.d.ts';
import type * as StateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen.d.ts';
import type * as Table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen.d.ts';
import type * as Text from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen.d.ts';
import type * as TimeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen.d.ts';

// JSON has the values of an enumeration, not its members.
type Plain<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
// Grafana fills what a panel leaves out with the defaults of its plugin.
type Deep<T> = T extends (infer E)[] ? Deep<E>[] : T extends object ? { [K in keyof T]?: Deep<T[K]> } : T;

type Source = Required<Pick<DataSourceRef, 'type' | 'uid'>>;

// The schema knows no InfluxDB: these are the keys that its data source reads of a query in text form.
interface Influx extends Omit<DataQuery, 'datasource' | 'key' | 'queryType'> {
  datasource: Source;
  query: string;
  rawQuery: true;
  resultFormat: 'time_series' | 'table';
  alias?: string;
}

interface InfluxAnnotation extends DataQuery {
  query: string;
  rawQuery: true;
  fromAnnotations: true;
  name?: string;
  titleColumn?: string;
  textColumn?: string;
  tagsColumn?: string;
  timeEndColumn?: string;
  textEditor?: boolean;
  limit?: number;
  matchAny?: boolean;
  tags?: string[];
  type?: string;
}

type Of<Type extends string, Options, Custom> = Plain<
  Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets' | 'datasource' | 'transformations'>
> & {
  type: Type;
  title: string;
  description: string;
  gridPos: NonNullable<Panel['gridPos']>;
  datasource: Source;
  targets: Influx[];
  options?: Plain<Deep<Options>>;
  transformations?: Plain<NonNullable<Panel['transformations']>>;
  fieldConfig?: {
    defaults: Plain<Omit<NonNullable<Panel['fieldConfig']>['defaults'], 'custom'>> & { custom?: Plain<Deep<Custom>> };
    overrides: Plain<NonNullable<Panel['fieldConfig']>['overrides']>;
  };
};

type WithoutQuery = Omit<Of<'text', Text.Options, never>, 'datasource' | 'targets' | 'description'>;

export type AnyPanel =
  | Of<'timeseries', TimeSeries.Options, TimeSeries.FieldConfig>
  | Of<'stat', Stat.Options, never>
  | Of<'gauge', Gauge.Options, never>
  | Of<'bargauge', BarGauge.Options, never>
  | Of<'table', Table.Options, Table.FieldConfig>
  | Of<'state-timeline', StateTimeline.Options, StateTimeline.FieldConfig>
  | Of<'barchart', BarChart.Options, BarChart.FieldConfig>
  | Of<'piechart', PieChart.Options, PieChart.FieldConfig>
  | WithoutQuery;

type Row = Plain<Omit<RowPanel, 'panels'>> & { panels: AnyPanel[] };

interface Variable extends Omit<Plain<VariableModel>, 'query' | 'datasource'> {
  query: string | { query: string; refId: string };
  datasource?: Source;
}

type Annotations = { list: Plain<AnnotationQuery<InfluxAnnotation>>[] };

export interface Checked extends Omit<Plain<Dashboard>, 'panels' | 'templating' | 'annotations'> {
  uid: string;
  title: string;
  panels: (AnyPanel | Row)[];
  templating: { list: Variable[] };
  annotations: Annotations;
}

// And the whole as Grafana's own type has it, but for the query of an annotation, which it leaves open.
export type Whole = Plain<Omit<Dashboard, 'annotations'>> & { annotations: Annotations };
