/** NumPy's .npy format: the library writes it. */
export { npyFile } from "relprop/heatmap";
