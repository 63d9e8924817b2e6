/** Texts in PNG files: what a saved picture carries of its settings. */
export { isPng, textOf, withText } from "relprop/heatmap";
