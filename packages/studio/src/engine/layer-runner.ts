/** Relevance inside a model: the ledger of all its nodes, one layer's relevance, and what its channels found. */

import {
  conceptHeatmaps,
  Explainer,
  inspect,
  InputError,
  rankClasses,
  verdict,
  type CompileOptions,
  type FloatArray,
  type InspectedNode,
  type Ledger,
  type RankedClass,
} from "relprop";
import type { Model, Value } from "relprop/onnx";
import { preprocess } from "relprop/preprocess";
import type { ModelCard } from "relprop/zoo";
import type { ExplainRequest, LayerChannel, LayerRequest, LayerResult, LedgerResult } from "./engine.ts";
import { compileOptions, runOptions, seedOptions } from "./explain-options.ts";
import { placesOf, readLayer } from "./layer-places.ts";
import type { RunnerOptions } from "./model-runner.ts";
import { rankedClasses } from "./rank.ts";

/** The model that is looked into. */
export interface LayerSource extends RunnerOptions {
  readonly model: Model;
  /** Name of the explained output. */
  readonly output: string;
  readonly input: Value;
  readonly card: ModelCard;
  readonly classes: number;
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
    const { card, classes } = this.#source;
    const explainer = await this.#explainer("ledger", request, ledgerOptions);
    const begin = performance.now();
    const explained = await explainer.explain(
      preprocess([request.picture], card.input),
      runOptions(request, classes),
    );
    const milliseconds = performance.now() - begin;
    const ledger = explained.ledgers?.[0];
    if (!ledger) throw new InputError({ what: "cannot read the ledger", why: "the run gave none" });
    return {
      nodes: this.#inspected(request),
      ledger: finite(ledger),
      verdict: verdict(ledger),
      top: this.#top(explained.outputs),
      milliseconds,
    };
  }

  /** @throws OptionError if relevance cannot stop at the node: it has none, or what is explained is its output */
  async layer(request: LayerRequest): Promise<LayerResult> {
    const { card, classes, input } = this.#source;
    const picture = preprocess([request.picture], card.input);
    const stop = { layer: request.node, reduce: "none" } as const;
    const explainer = await this.#explainer("map", request, stop);
    const begin = performance.now();
    const { relevance } = await explainer.explain(picture, runOptions(request, classes));
    const isInput = explainer.compiled.layer.name === input.name;
    const places = placesOf(relevance.dims, isInput ? card.input.layout : "NCHW");
    const layer = readLayer(relevance, places);
    const channels =
      isInput || layer.channelRelevance.length === 0
        ? []
        : await this.#channels(request, picture, places.channelAxis, layer.channelRelevance);
    const milliseconds = performance.now() - begin;
    return { node: request.node, shape: relevance.dims, ...layer, channels, milliseconds };
  }

  async dispose(): Promise<void> {
    const kept = [...this.#kept.values()];
    this.#kept.clear();
    for (const { explainer } of kept) await explainer.dispose();
  }

  async #channels(
    request: LayerRequest,
    picture: FloatArray,
    axis: number,
    channelRelevance: Float32Array,
  ): Promise<LayerChannel[]> {
    const { card, classes, weightBytes } = this.#source;
    const { node, count } = request;
    const [height, width] = card.input.size;
    const explainer = await this.#explainer("channels", request, { concepts: { layer: node, axis } });
    const [found] = await conceptHeatmaps(explainer, picture, {
      ...runOptions(request, classes),
      count,
      batch: weightBytes > mostForBatches ? 1 : batch,
    });
    const all = channelRelevance.reduce((sum, R) => sum + Math.abs(R), 0);
    return (found?.concepts ?? []).map(({ channel, channelRelevance: R, relevance }) => ({
      channel,
      relevance: R,
      share: all === 0 ? 0 : R / all,
      map: { data: Float32Array.from(relevance.data), height, width },
    }));
  }

  async #explainer(
    purpose: Purpose,
    request: ExplainRequest,
    options: Pick<CompileOptions, "ledger" | "ledgerPrecision" | "layer" | "reduce" | "concepts">,
  ): Promise<Explainer> {
    const { ort, sessionOptions, model, output, card, weightBytes } = this.#source;
    const { composite } = request;
    const key = JSON.stringify([purpose, composite, seedOptions(request), options]);
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
      ...compileOptions(model, card, composite),
      ...seedOptions(request),
      output,
      ...options,
    });
    await explainer.ready();
    this.#kept.set(slot, { key, explainer });
    return explainer;
  }

  #inspected(request: ExplainRequest): readonly InspectedNode[] {
    const { model, output, card } = this.#source;
    const options = { ...compileOptions(model, card, request.composite), ...seedOptions(request), output };
    const key = JSON.stringify(options);
    if (this.#nodes?.key !== key) this.#nodes = { key, nodes: inspect(model, options).nodes };
    return this.#nodes.nodes;
  }

  #top(outputs: Readonly<Record<string, FloatArray>>): readonly RankedClass[] {
    const logits = outputs[this.#source.output]?.data;
    return logits ? rankClasses(logits, rankedClasses) : [];
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
