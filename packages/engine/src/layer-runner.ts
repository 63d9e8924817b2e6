/** Relevance inside a model: the ledger of all its nodes, one layer's relevance, and what its channels found. */

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

/** The model that is looked into. */
export interface LayerSource extends AnswerSource {
  readonly answers: AnswerReader;
  readonly input: Value;
  /** Bytes of its weights, which every session holds. */
  readonly weightBytes: number;
}

/** What a session is for; the newest of each kind is kept. */
type Purpose = "ledger" | "map" | "channels";

interface Kept {
  readonly key: string;
  readonly explainer: Explainer;
}

/** Bytes of weights above which the newest session of all kinds is kept, and no other: three more would take gigabytes. */
const mostForThree = 256e6;
/** Bytes of weights above which channels are explained one at a time: activations of a batch would take gigabytes. */
const mostForBatches = 16e6;
const batch = 8;

/** In float32: browsers with WebGPU have no float64, and a thousandth is the least that is shown. */
const ledgerOptions = { ledger: true, ledgerPrecision: "float32" } as const;

/** The caller sees to it that there is one run at a time. */
export class LayerRunner {
  readonly #source: LayerSource;
  readonly #kept = new Map<Purpose | "any", Kept>();
  #nodes: { readonly key: string; readonly nodes: readonly InspectedNode[] } | undefined;

  constructor(source: LayerSource) {
    this.#source = source;
  }

  /** @throws InputError if relevance is not finite: then no share means anything */
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

  /** @throws OptionError if relevance cannot stop at the node: it has none, or what is explained is its output */
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
      batch: weightBytes > mostForBatches ? 1 : batch,
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
    const slot = weightBytes > mostForThree ? "any" : purpose;
    const known = this.#kept.get(slot);
    if (known?.key === key) return known.explainer;
    // Before the next one is made: two at a time may be more than there is memory for.
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
