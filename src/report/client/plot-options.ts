import type uPlot from 'uplot';

/** Values of an axis or a series. */
export type Values = ArrayLike<number>;

/** Series of a plot. */
export interface PlotSeries {
  label: string;
  values: Values;
  /** Name of a colour of the style sheet. */
  colour: string;
  width?: number;
  dash?: number[];
  bars?: boolean;
}

/** Description of a plot. */
export interface PlotOptions {
  /** Id of the element to draw into; its figure has a caption. */
  id: string;
  x: {
    label: string;
    values: Values;
    /** Whether the axis has integers only. */
    whole?: boolean;
  };
  /** Second x axis above, which gives the ticks other names. */
  top?: { label: string; name(x: number): string };
  y: {
    label: string;
    logarithmic?: boolean;
    /** Ends of the axis; by default what the values need. */
    range?: [number, number];
    fromZero?: boolean;
  };
  series: readonly PlotSeries[];
  /** Fills between two series, the upper one first, by their numbers. */
  bands?: readonly (readonly [upper: number, lower: number, colour: string])[];
  /** Draws beneath the lines. */
  underlay?(plot: uPlot): void;
  height?: number;
  /** Hears of a click, with the number of the nearest x. */
  onPick?: (index: number) => void;
}
