/** Attribution methods beyond LRP, and the model-agnostic check on all of them. */
export { compileMethod } from "./compile-method.ts";
export {
  methodNames,
  type GradCamOptions,
  type InputXGradientOptions,
  type IntegratedGradientsOptions,
  type MethodName,
  type MethodOptions,
  type SharedMethodOptions,
  type SmoothGradOptions,
} from "./options.ts";
export { occlusion, type OcclusionOptions } from "./occlusion.ts";
export { rankCorrelation } from "./rank-correlation.ts";
