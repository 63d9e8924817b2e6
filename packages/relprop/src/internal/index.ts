/**
 * `@relprop/core/internal`: what relprop's own command, engine and studio share beyond the library. Unstable: names go and
 * change in any version, without a word in the changelog. Programs of others take the other entries.
 */
export {
  answerName,
  fittingLabels,
  namedCount,
  readableLabel,
  type AnswerNames,
} from "../answers/answer-names.ts";
export { binaryAnswer, pickClass, pickDifference, pickWeights, sampleOf } from "../answers/picks.ts";
export { overrideCard } from "../cards/guess-card.ts";
export {
  geometryCandidates,
  objection,
  pixelCandidates,
  rankCandidates,
  type Candidate,
  type Tried,
} from "../cards/candidates.ts";
export { onePicture, pictureOf, takesPicture, withBatchOfOne, type Batched } from "../cards/one-picture.ts";
export { weightsCard } from "../cards/torchvision-weights.ts";
export { doubtOfNorm, doubtOfPicture, doubtsOfPixels } from "../cards/doubts.ts";
export { channelCount } from "../cards/model-card.ts";
export { firstNorm, seenByNorm, type FirstNorm, type SeenByNorm } from "../cards/first-norm.ts";
export { pixelBounds, withPixelBounds, type PixelNumbers } from "../cards/pixel-bounds.ts";
export { problemKinds } from "../cards/hub-config.ts";
export { compileOptionNames } from "../compile/compile-options.ts";
export { fixInputs, isSetting } from "../compile/fix-inputs.ts";
export { replacesMissing } from "../compile/missing-values.ts";
export { promptModel } from "../compile/caches.ts";
export { tokenEmbedding, type TokenEmbedding } from "../compile/token-embedding.ts";
export { usualStrides } from "../evaluate/evaluate.ts";
export { layoutOf, usualCellsOf, type Cells } from "../evaluate/layout.ts";
export type { MapSource, Subject } from "../evaluate/measurement.ts";
export { mean } from "../evaluate/statistics.ts";
export { randomized } from "../evaluate/randomize.ts";
export { answerOne, KeptExplainers, mapSource, subjectOf, type Answered } from "../evaluate/subject.ts";
export { measureMap, metricTable } from "../evaluate/table.ts";
export { isTrivialMap, trivialMap, trivialMaps, type TrivialMap } from "../evaluate/trivial-maps.ts";
export { figurePaints } from "../heatmap/figure.ts";
export { cleanText, textWidth, wrapText, type TextStyle } from "../heatmap/figure-text.ts";
export { capital, cssGradient, relevanceText } from "../heatmap/legend.ts";
export { OverlayPainter } from "../heatmap/overlay.ts";
export { npyData, npyHeader } from "../heatmap/npy.ts";
export { longestNpyHeader, npyTensor, readNpyHeader, type NpyHeader } from "../heatmap/read-npy.ts";
export { asciiJson, isPng, software, softwareKeyword, stampPng, textOf } from "../heatmap/png-text.ts";
export { methodOptionNames } from "../methods/options.ts";
export { placeOf, type Place } from "../onnx/stored-tensor.ts";
export { byteLength, elementSize, isFloat, numbersOf, sizeOf } from "../onnx/tensor.ts";
export { metadataLabels } from "../outputs/metadata.ts";
export { isAnyMap } from "../outputs/output-kinds.ts";
export { ranksInGraph } from "../outputs/ranks-in-graph.ts";
export { isYesOrNo } from "../outputs/yes-or-no.ts";
export { withoutControls } from "../plain-text.ts";
export { shownPart } from "../preprocess/picture-frame.ts";
export { filterSearch } from "../run/explainer.ts";
export { requireFinite } from "../run/finite.ts";
export { eachMap, joinedMaps } from "../run/map-targets.ts";
export { channelAxis } from "../relevance/seed.ts";
export { logitsName } from "../run/session-model.ts";
export { startWord } from "../run/start-sum.ts";
export { zeroTarget } from "../run/targets.ts";
export { build } from "../version.ts";
export { imageNetLabels } from "../zoo/zoo.ts";
