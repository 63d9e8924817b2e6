/** Relevance inside a model: the ledger of all nodes, one layer's relevance, and maps of its channels. */

import {
  conceptHeatmaps,
  Explainer,
  inspect,
  InputError,
  sourceOf,
  verdict,
  type CompileOptions,
  type FloatArray,
  type InspectedNode,
  type Ledger,
} from "@relprop/core";
import type { Value } from "@relprop/core/onnx";
import { preprocess } from "@relprop/core/preprocess";
import { explainedOf, topOf, type AnswerReader, type AnswerSource, type Asked } from "./answer-reader.ts";
import type { ExplainRequest, LayerChannel, LayerRequest, LayerResult, LedgerResult } from "./engine.ts";
import { compositeOptions } from "./explain-options.ts";
import { placesOf, readLayer } from "./layer-places.ts";
import { rankedClasses } from "./rank.ts";

/** The inspected model. */
export interface LayerSource extends AnswerSource {
  readonly answers: AnswerReader;
  readonly input: Value;
  /** Bytes of its weights, which every session holds. */
  readonly weightBytes: number;
}

/** What a session is for; the newest of each purpose is kept. */
type Purpose = "ledger" | "map" | "channels";

interface Kept {
  readonly key: string;
  readonly explainer: Explainer;
}

/** Weights above this many bytes leave room for only one session in total, not one per purpose. */
const maxBytesForAllKinds = 256e6;
/** Above this many bytes of weights, channels are explained one at a time to save memory. */
const maxBytesForBatches = 16e6;
const batch = 8;

/** float32 suffices, since 0.1 % is the smallest part that is shown; browsers with WebGPU have no float64. */
const ledgerOptions = { ledger: true, ledgerPrecision: "float32" } as const;

/** The caller starts one run at a time. */
export class LayerRunner {
  readonly #source: LayerSource;
  readonly #kept = new Map<Purpose | "any", Kept>();
  #nodes: { readonly key: string; readonly nodes: readonly InspectedNode[] } | undefined;

  constructor(source: LayerSource) {
    this.#source = source;
  }

  /** @throws InputError if relevance is not finite, since shares would then be meaningless */
  async ledger(request: ExplainRequest): Promise<LedgerResult> {
    const { card, answers } = this.#source;
    const picture = preprocess([request.picture], card.input);
    const asked = await answers.asked(request, picture);
    const explainer = await this.#explainer("ledger", request, asked, ledgerOptions);
    const begin = performance.now();
    const explanation = await explainer.explain(picture, asked.run);
    const milliseconds = performance.now() - begin;
    const ledger = explanation.ledgers?.[0];
    if (!ledger) throw new InputError({ what: "cannot read the ledger", why: "the run gave none" });
    const source = sourceOf(explainer, explanation);
    return {
      nodes: this.#inspected(request, asked),
      ledger: finite(ledger),
      verdict: verdict(ledger),
      explained: explainedOf(asked, source, explanation),
      top: topOf(source, rankedClasses),
      milliseconds,
    };
  }

  /** @throws OptionError if relevance cannot stop at the node: none reaches it, or it makes the explained output */
  async layer(request: LayerRequest): Promise<LayerResult> {
    const { card, answers, input } = this.#source;
    const picture = preprocess([request.picture], card.input);
    const asked = await answers.asked(request, picture);
    const stop = { layer: request.node, reduce: "none" } as const;
    const explainer = await this.#explainer("map", request, asked, stop);
    const begin = performance.now();
    const explanation = await explainer.explain(picture, asked.run);
    const { relevance, start } = explanation;
    const isInput = explainer.compiled.layer.name === input.name;
    const places = placesOf(relevance.dims, isInput ? card.input.layout : "NCHW");
    const layer = readLayer(relevance, places);
    const channels =
      isInput || layer.channelRelevance.length === 0
        ? []
        : await this.#channels(request, asked, picture, places.channelAxis);
    const milliseconds = performance.now() - begin;
    return {
      node: request.node,
      shape: relevance.dims,
      ...layer,
      channels,
      start: start[0] ?? 0,
      explained: explainedOf(asked, sourceOf(explainer, explanation), explanation),
      milliseconds,
    };
  }

  async dispose(): Promise<void> {
    const kept = [...this.#kept.values()];
    this.#kept.clear();
    for (const { explainer } of kept) await explainer.dispose();
  }

  async #channels(
    request: LayerRequest,
    asked: Asked,
    picture: FloatArray,
    axis: number,
  ): Promise<LayerChannel[]> {
    const { card, weightBytes } = this.#source;
    const { node, count } = request;
    const [height, width] = card.input.size;
    const explainer = await this.#explainer("channels", request, asked, { concepts: { layer: node, axis } });
    const [found] = await conceptHeatmaps(explainer, picture, {
      ...asked.run,
      count,
      batch: weightBytes > maxBytesForBatches ? 1 : batch,
    });
    return (found?.concepts ?? []).map(({ channel, channelRelevance, share, relevance }) => ({
      channel,
      relevance: channelRelevance,
      share,
      map: { data: Float32Array.from(relevance.data), height, width },
    }));
  }

  async #explainer(
    purpose: Purpose,
    { composite }: ExplainRequest,
    asked: Asked,
    options: Pick<CompileOptions, "ledger" | "ledgerPrecision" | "layer" | "reduce" | "concepts">,
  ): Promise<Explainer> {
    const { ort, sessionOptions, model, weightBytes } = this.#source;
    const key = JSON.stringify([purpose, composite, asked.options, options]);
    const slot = weightBytes > maxBytesForAllKinds ? "any" : purpose;
    const known = this.#kept.get(slot);
    if (known?.key === key) return known.explainer;
    // Release first: two sessions at a time may need more memory than there is.
    this.#kept.delete(slot);
    await known?.explainer.dispose();
    const explainer = new Explainer({
      ort,
      ...(sessionOptions && { sessionOptions }),
      model,
      ...this.#compileOptions(composite, asked),
      ...options,
    });
    await explainer.ready();
    this.#kept.set(slot, { key, explainer });
    return explainer;
  }

  #compileOptions(composite: ExplainRequest["composite"], { options }: Asked): CompileOptions {
    return { ...this.#source.options, ...compositeOptions(this.#source.card, composite), ...options };
  }

  #inspected({ composite }: ExplainRequest, asked: Asked): readonly InspectedNode[] {
    const options = this.#compileOptions(composite, asked);
    const key = JSON.stringify(options);
    if (this.#nodes?.key !== key) this.#nodes = { key, nodes: inspect(this.#source.model, options).nodes };
    return this.#nodes.nodes;
  }
}

function finite(ledger: Ledger): Ledger {
  const bad = ledger.entries.find(({ sums }) => !Object.values(sums).every(Number.isFinite));
  if (!bad) return ledger;
  throw new InputError({
    what: "cannot say where relevance stayed",
    where: `node "${bad.node}"`,
    why: "its relevance is not finite",
    fix: "choose a rule with a larger stabiliser, or another composite",
  });
}
