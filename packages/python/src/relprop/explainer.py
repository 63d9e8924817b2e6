"""A model and its explanation, run on Python's ONNX Runtime."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import Array, ArrayLike, fitting, is_array, is_tensor, returner
from ._facts import Facts
from ._options import for_library, suggestion
from ._process import default_timeout
from ._sources import Model, source_of
from .compiled import CompiledModel, compile_source
from .errors import InputError, OptionError
from .explanation import Explanation
from .ledger import read_ledgers
from .targets import Target, one_hot_best, weights_of

if TYPE_CHECKING:
    import onnxruntime

_logits = "relprop.logits"
_devices = {
    "cpu": ["CPUExecutionProvider"],
    "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"],
    "tensorrt": ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"],
    "coreml": ["CoreMLExecutionProvider", "CPUExecutionProvider"],
    "directml": ["DmlExecutionProvider", "CPUExecutionProvider"],
}


class Explainer:
    """Explains batches of inputs.

    >>> explainer = relprop.Explainer("resnet50.onnx", composite="epsilon-plus")  # doctest: +SKIP
    >>> explanation = explainer(x, target=285)  # doctest: +SKIP
    >>> explanation.relevance.shape == x.shape  # doctest: +SKIP
    True

    Threads may share one, and it can be pickled: a copy elsewhere needs no Node.

    :param model: as :func:`relprop.compile` takes it, or what that gave
    :param providers: execution providers of ONNX Runtime, instead of ``device``
    :param device: "cpu", "cuda", "tensorrt", "coreml" or "directml"
    :param threads: threads of a run; default: one for each core
    :param options: those of :func:`relprop.compile`. Without ``composite=`` it is that which fits the network for a target:
        relevance is signed and starts at the logit
    :raises RelpropError: what :func:`relprop.compile` raises
    """

    def __init__(
        self,
        model: Model | CompiledModel,
        *,
        example_inputs: Any = None,
        dynamic_batch: bool = True,
        providers: Sequence[Any] | None = None,
        device: str | None = None,
        threads: int | None = None,
        timeout: float = default_timeout,
        **options: Any,
    ) -> None:
        self._providers = _providers(providers, device)
        self._threads = threads
        self._lock = threading.Lock()
        self._session: onnxruntime.InferenceSession | None = None
        if isinstance(model, CompiledModel):
            given = [name for name, value in options.items() if value is not None]
            if given:
                why = f"the model is compiled, and {', '.join(given)} would change nothing"
                raise OptionError("cannot use options here", why, "give them to relprop.compile")
            self.compiled = model
            return
        on_gpu = self._providers[0] != "CPUExecutionProvider" and options.get("method") is None
        if on_gpu and options.get("filter_by") is None:
            options["filter_by"] = "bisection"
        for_library(options)  # A wrong name should not wait for an export.
        source = source_of(model, example_inputs, dynamic_batch=dynamic_batch)
        self.compiled = compile_source(source, options, is_target=True, timeout=timeout)

    @property
    def facts(self) -> Facts:
        """The facts about the compiled model."""
        return self.compiled.facts

    def __call__(
        self,
        x: ArrayLike | Sequence[ArrayLike] | Mapping[str, ArrayLike],
        target: Target = None,
        *,
        keep: float | None = None,
    ) -> Explanation:
        """Explains a batch.

        :param x: the input, a tuple of inputs in the model's order, or a mapping by name: numpy arrays or torch tensors
        :param target: what is explained, see :data:`relprop.Target`; default: the model's answer
        :param keep: with ``top_k="input"``: the fraction of relevance that the filter keeps; 0 keeps all
        :returns: relevance and outputs, of the kind that ``x`` is
        :raises InputError: if an input does not fit the model, or relevance is not finite
        :raises OptionError: if the output has no such target
        """
        feeds, first = self._feeds(x)
        name = self.facts.inputs[0][0].name
        axis = self.facts.input_batch_axis
        samples = 1 if axis is None else feeds[name].shape[axis]
        if self.facts.adds("keep"):
            feeds["keep"] = np.asarray(keep or 0.0, np.float32)
        elif keep is not None:
            raise OptionError("nothing uses keep", "the filter's fraction is compiled in", 'compile with top_k="input"')
        weights = self._weights(feeds, target, samples)
        if weights is not None:
            feeds["target"] = weights
        return self._explanation(self._run(feeds), weights, returner(first), feeds)

    def close(self) -> None:
        """Frees the session. A later run makes a new one."""
        with self._lock:
            self._session = None

    def _weights(self, feeds: dict[str, Array], target: Target, samples: int) -> Array | None:
        usual = target is None or (isinstance(target, str) and target == "top1")
        if not self.facts.adds("target"):
            if target is None or (usual and self.facts.settings["target"] == "top1"):
                return None
            why = "the whole prediction is explained" if self._is_whole else "a target is compiled in"
            fix = 'composite="epsilon-plus" takes targets' if self._is_whole else "leave target out when compiling"
            raise OptionError("cannot choose a target here", why, fix)
        dims = self._output_dims(feeds, samples)
        if usual:
            return self._usual(feeds, dims)
        if isinstance(target, str):
            raise OptionError(f'cannot use the target "{target}"', "the only word is top1", suggestion(target, ["top1"]))
        if None in dims:
            dims = list(self._answer(feeds, dims).shape)
        return weights_of(target, self.facts, [size or 1 for size in dims], samples)

    @property
    def _is_whole(self) -> bool:
        return bool(self.facts.settings["seed"] == "softmax")

    def _usual(self, feeds: dict[str, Array], dims: list[int | None]) -> Array:
        """Weights of what the model answers."""
        facts = self.facts
        is_one = facts.is_list and (facts.class_axis is None or facts.output.shape[facts.class_axis] == 1)
        if is_one and None not in dims:
            return np.ones([size or 1 for size in dims], np.float32)
        if not (facts.is_vocabulary or (facts.is_list and facts.kind != "values")) or facts.maps > 1:
            raise OptionError(
                "cannot tell what to explain",
                f"the output is read as {facts.kind} ({facts.why}), and none of its numbers is the answer",
                "give a target: an index along the classes, a tuple, or weights in the output's shape",
                f'output "{facts.output.name}", {list(facts.output.shape)}',
            )
        return one_hot_best(self._answer(feeds, dims, ranked=True), facts)

    def _answer(self, feeds: dict[str, Array], dims: Sequence[int | None], ranked: bool = False) -> Array:
        """The explained output: a run with a target of zeros, which broadcasts where sizes are open."""
        zeros = np.zeros([size or 1 for size in dims], np.float32)
        found = self._run({**feeds, "target": zeros})
        if ranked and not self.facts.is_ordered:
            return found[self.facts.output_name]
        return self._explained(found)

    def _explained(self, found: Mapping[str, Array]) -> Array:
        explained = found[_logits] if _logits in found else found[self.facts.output.name]
        if explained.size == 0:
            raise InputError("there is nothing to explain", f"the output has the shape {list(explained.shape)}")
        return explained

    def _output_dims(self, feeds: Mapping[str, Array], samples: int) -> list[int | None]:
        """Sizes of the explained output; None where only a run tells."""
        named: dict[str, int] = {}
        for info in self.facts.model_inputs:
            for size, had in zip(info.shape, feeds[info.name].shape, strict=True):
                if isinstance(size, str):
                    named[size] = had
        facts = self.facts

        def of(axis: int, size: int | str) -> int | None:
            if isinstance(size, int):
                return size
            return facts.maps * samples if axis == facts.batch_axis else named.get(size)

        return [of(axis, size) for axis, size in enumerate(facts.output.shape)]

    def _feeds(self, x: Any) -> tuple[dict[str, Array], ArrayLike]:
        infos = {each.name: each for each in self.facts.model_inputs}
        if isinstance(x, Mapping):
            given = dict(x)
        elif isinstance(x, tuple | list) and x and all(is_array(each) for each in x):
            if len(x) > len(infos):
                raise InputError("cannot run the model", f"it has {len(infos)} inputs, {len(x)} were given")
            given = dict(zip(infos, x, strict=False))
        else:
            given = {self.facts.inputs[0][0].name if len(infos) == 1 else next(iter(infos)): x}
        unknown = next((name for name in given if name not in infos), None)
        if unknown is not None:
            why = f"the model has the inputs {', '.join(infos)}"
            raise InputError(f'cannot feed "{unknown}"', why, suggestion(str(unknown), infos))
        missing = [f'"{name}" {e.dtype} {list(e.shape)}' for name, e in infos.items() if name not in given]
        if missing:
            why = f"it has further inputs that were not given: {', '.join(missing)}"
            raise InputError("cannot run the model", why, "give all of them, as a mapping by name")
        first = next((each for each in given.values() if is_tensor(each)), next(iter(given.values())))
        return {name: fitting(given[name], info) for name, info in infos.items()}, first

    def _run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        session = self._ready()
        names = [each.name for each in session.get_outputs()]
        return dict(zip(names, session.run(names, dict(feeds)), strict=True))

    def _ready(self) -> onnxruntime.InferenceSession:
        with self._lock:
            if self._session is None:
                import onnxruntime as ort

                options = ort.SessionOptions()
                if self._threads is not None:
                    options.intra_op_num_threads = self._threads
                self._session = self.compiled.session(self._providers, options=options)
            return self._session

    def _explanation(self, found: dict[str, Array], weights: Array | None, back: Any, feeds: Any) -> Explanation:
        facts = self.facts
        relevances = {info.name: found.pop(relevance) for info, relevance in facts.inputs}
        for name, array in relevances.items():
            if not np.isfinite(array).all():
                fix = "a larger epsilon= keeps denominators away from zero"
                raise InputError("cannot explain this input", f'the relevance of "{name}" is not finite', fix)
        layers = {name: found[relevance] for name, _, relevance in facts.layers}
        for _, _, relevance in facts.layers:
            found.pop(relevance, None)
        explained = self._explained(found)
        found.pop(_logits, None)
        table = found.pop("ledger", None) if facts.ledger else None
        return Explanation(
            relevance=back(next(iter(relevances.values()))),
            relevances={name: back(array) for name, array in relevances.items()},
            layers={name: back(array) for name, array in layers.items()},
            outputs={name: back(array) for name, array in found.items()},
            explained=back(explained),
            target=None if weights is None else back(weights),
            ledgers=None if table is None or facts.ledger is None else read_ledgers(facts.ledger, table),
            facts=facts,
            input=feeds[facts.inputs[0][0].name],
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_lock": None, "_session": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()


def _providers(providers: Sequence[Any] | None, device: str | None) -> list[Any]:
    if providers is not None and device is not None:
        raise OptionError("cannot use providers and device", "both say where the model runs", "leave one out")
    if providers is not None:
        return list(providers)
    name = device or "cpu"
    if name not in _devices:
        raise OptionError(f'there is no device "{name}"', f"devices are {', '.join(_devices)}", suggestion(name, _devices))
    return _devices[name]
