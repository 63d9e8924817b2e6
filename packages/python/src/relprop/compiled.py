"""A model compiled with its explanation."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._facts import Facts, PlanLine, facts_from
from ._options import ask, for_library, library
from ._process import default_timeout
from ._sources import Model, Scratch, Source, Stamps, refuse_changed, source_of, stamps_of
from .errors import ModelFileError, OptionError
from .inspection import Inspection

if TYPE_CHECKING:
    import onnxruntime


def compile(  # noqa: A001 - torch and re call theirs so, too
    model: Model,
    *,
    example_inputs: Any = None,
    dynamic_batch: bool = True,
    timeout: float = default_timeout,
    **options: Any,
) -> CompiledModel:
    """Compiles a model's explanation into its graph.

    The result is an ordinary ONNX model: the same inputs and outputs, the input ``target`` (unless it is compiled in, or the
    whole prediction is explained), and the output ``relevance`` in the shape of the input. Composite, seed and filter are
    chosen as the command ``relprop compile`` chooses them.

    :param model: path of an .onnx file, its bytes, an ``onnx.ModelProto``, or a ``torch.nn.Module``, which needs example inputs
    :param example_inputs: of a module: a tensor, a tuple of tensors, or a mapping of keyword arguments
    :param dynamic_batch: of a module: whether the first axis of its inputs becomes an open batch
    :param timeout: seconds that the compiler may take
    :param options: ``composite=``, ``target=``, ``rules={"layer4.*": "gamma:0.1"}``, ``seed=``, ``layers=[…]``, ``ledger=``,
        ``method=`` … as the library has them: :func:`relprop.options` lists them
    :raises OptionError: for an option or a value that does not exist
    :raises ModelFileError: if the model cannot be read
    :raises UnexplainableError: if relevance cannot cross all of it; ``obstacles`` says where

    >>> compiled = relprop.compile("resnet50.onnx", composite="epsilon-plus")  # doctest: +SKIP
    >>> compiled.save("resnet50.lrp.onnx")  # doctest: +SKIP
    """
    return compile_source(source_of(model, example_inputs, dynamic_batch=dynamic_batch), options, timeout=timeout)


def compile_source(
    source: Source, options: dict[str, Any], *, is_target: bool = False, timeout: float = default_timeout
) -> CompiledModel:
    """As :func:`compile`; ``is_target`` says that each run names what it explains."""
    chosen = for_library(options)
    scratch = Scratch()
    # No file of the source's folder may have the name.
    out = scratch.path / f"{uuid.uuid4().hex}.onnx"
    path = str(source.path.resolve())
    before = stamps_of([path]) if source.path.is_file() else {}
    said = ask("compile", timeout, model=path, options=chosen, isTarget=is_target, out=str(out))
    # Most weights stay in the source's files.
    folder = said.get("folder")
    stamps = {**stamps_of(said["files"]), **before} if folder and Path(folder) != scratch.path else {}
    refuse_changed(before)
    facts = facts_from(said, library().ledger_columns)
    return CompiledModel(facts, out, folder, stamps, (scratch, source), (chosen, is_target))


class CompiledModel:
    """A model that also outputs its relevance. It can be pickled, with its weights, and then needs no Node.

    :ivar facts: inputs, outputs, what the output is, settings
    """

    def __init__(
        self,
        facts: Facts,
        graph: Path,
        folder: str | None,
        stamps: Stamps,
        kept: tuple[Scratch, Source | None],
        request: tuple[dict[str, Any], bool] | None,
    ) -> None:
        self.facts = facts
        self._graph, self._folder, self._stamps = graph, folder, stamps
        self._kept, self._request = kept, request

    def __repr__(self) -> str:
        settings = self.facts.settings
        inputs = ", ".join(f"{each.name} {list(each.shape)}" for each, _ in self.facts.inputs)
        return f"<CompiledModel of {inputs}: composite {settings['composite']}, seed {settings['seed']}>"

    @property
    def plan(self) -> tuple[PlanLine, ...]:
        """The rule of each node, from the input to the output, and why it has that rule."""
        return self.facts.plan

    @property
    def source(self) -> Source | None:
        """The model that was compiled; None after unpickling."""
        return self._kept[1]

    def inspect(self) -> Inspection:
        """What relevance does at each node of the source model, as ``relprop inspect`` says it.

        :raises OptionError: after unpickling, since the source model is not there any more
        """
        if self._request is None or self.source is None:
            raise OptionError("cannot inspect this model", "it was unpickled, without its source", "inspect before")
        options, is_target = self._request
        said = ask("inspect", model=str(self.source.path.resolve()), options=options, isTarget=is_target)
        return Inspection(said["inspection"], said["text"])

    def save(self, path: str | os.PathLike[str], *, external_data: bool = False) -> Path:
        """Writes an ordinary .onnx file with all weights.

        :param external_data: writes weights to ``<path>.data``, as it is always done above 2 GB
        :raises ModelFileError: if it cannot be written, or the source's weights were changed
        """
        out = Path(path).resolve()
        sources = {str(Path(each).resolve()) for each in self._stamps}
        if {str(out), f"{out}.data"} & sources:
            raise ModelFileError(f'cannot write "{path}"', "the weights of the source model are in it")
        if not out.parent.is_dir():
            raise ModelFileError(f'cannot write "{path}"', "there is no such folder")
        refuse_changed(self._stamps)
        ask("save", graph=str(self._graph), out=str(out), external=external_data, folder=self._folder)
        return Path(path)

    def session(
        self,
        providers: Sequence[Any] | None = None,
        *,
        options: onnxruntime.SessionOptions | None = None,
    ) -> onnxruntime.InferenceSession:
        """A session of ONNX Runtime.

        :param providers: execution providers, as ONNX Runtime takes them. Default: the CPU's
        :param options: of the session, such as its threads
        :raises OptionError: for a provider that this build of ONNX Runtime does not have
        """
        import onnxruntime as ort

        chosen = list(providers or ["CPUExecutionProvider"])
        for each in chosen:
            name = each if isinstance(each, str) else each[0]
            if name not in ort.get_available_providers():
                has = ", ".join(ort.get_available_providers())
                raise OptionError(f'there is no provider "{name}"', f"this ONNX Runtime has {has}")
        refuse_changed(self._stamps)
        options = options or ort.SessionOptions()
        options.add_session_config_entry("session.disable_prepacking", "0" if self.facts.packs_weights else "1")
        if self._folder:
            options.add_session_config_entry("session.model_external_initializers_file_folder_path", self._folder)
        session = ort.InferenceSession(self._graph.read_bytes(), options, providers=chosen)
        refuse_changed(self._stamps)
        return session

    def __getstate__(self) -> dict[str, Any]:
        """Graph and weights: where it is unpickled, the source's files may not be."""
        refuse_changed(self._stamps)
        files = {}
        if self._folder:
            folder = Path(self._folder)
            own = [each for each in self._graph.parent.rglob("*") if each.is_file() and each != self._graph]
            taken = own if folder == self._graph.parent else [Path(each) for each in self._stamps]
            files = {str(each.relative_to(folder)): each.read_bytes() for each in taken if folder in each.parents}
        return {"facts": self.facts, "graph": self._graph.read_bytes(), "files": files, "place": bool(self._folder)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        scratch = Scratch()
        graph = scratch.path / f"{uuid.uuid4().hex}.onnx"
        graph.write_bytes(state["graph"])
        for name, data in state["files"].items():
            file = scratch.path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        folder = f"{scratch.path}{os.sep}" if state["place"] else None
        self.__init__(state["facts"], graph, folder, {}, (scratch, None), None)  # type: ignore[misc]

    def __copy__(self) -> CompiledModel:
        return self
