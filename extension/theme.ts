/** Reads the colours and fonts of the page a view stands in, so that canvases follow JupyterLab's themes as the DOM does. */

/** What a view needs to know of its surroundings before it draws on a canvas. */
export interface Theme {
  readonly dark: boolean;
  /** The page asks for system colours (Windows high contrast) or stronger contrast. */
  readonly contrast: boolean;
  readonly surface: string;
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly accent: string;
  readonly bad: string;
  /** Text that goes to a cell, at least 4.5:1 on the surface. */
  readonly link: string;
  readonly font: string;
  readonly codeFont: string;
  /** Colours of curves, distinguishable for colour-blind readers (Okabe and Ito), readable on the surface. */
  readonly series: readonly string[];
}

const lightSeries = ["#0072b2", "#d55e00", "#007f5f", "#b0578d", "#8a6d00", "#3f7fae", "#6b4fa0"];
const darkSeries = ["#6cb8f0", "#ff9e5e", "#4fd0a8", "#e79ac6", "#e6c84f", "#9fd3f5", "#b9a3e8"];

/** Reads the theme at `element`, which must be attached for the variables to be inherited. */
export function readTheme(element: Element): Theme {
  const style = getComputedStyle(element);
  const variable = (name: string, fallback: string): string => style.getPropertyValue(name).trim() || fallback;
  const page = element.closest<HTMLElement>("[data-jp-theme-light]")?.dataset ?? {};
  const dark = page["jpThemeLight"] === "false";
  const asked = matchMedia("(forced-colors: active), (prefers-contrast: more)").matches;
  const contrast = asked || /high contrast/i.test(page["jpThemeName"] ?? "");
  const strong = variable("--jp-content-font-color0", dark ? "#fff" : "#000");
  return {
    dark,
    contrast,
    surface: variable("--jp-layout-color0", dark ? "#111" : "#fff"),
    text: contrast ? strong : variable("--jp-content-font-color1", dark ? "#e6e6e6" : "#1f1f1f"),
    muted: contrast ? strong : variable("--jp-content-font-color2", dark ? "#a8a8a8" : "#616161"),
    line: contrast ? strong : dark ? "#3a3a3a" : "#e2e2e2",
    accent: variable("--jp-brand-color1", dark ? "#42a5f5" : "#1976d2"),
    link: contrast ? strong : dark ? "#6cb8f0" : "#0b5cad",
    bad: dark ? "#ff8a80" : "#b3261e",
    font: variable("--jp-ui-font-family", "system-ui, sans-serif"),
    codeFont: variable("--jp-code-font-family", "ui-monospace, monospace"),
    series: dark ? darkSeries : lightSeries,
  };
}
