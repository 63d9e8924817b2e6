"""Relevance under captum's contract: ``attribute(inputs, target=…)``."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import captum.attr
import captum.log
import torch

from .errors import OptionError
from .explainer import Explainer

if TYPE_CHECKING:
    from captum.attr import Attribution
else:
    Attribution = captum.attr.Attribution


class RelevancePropagation(Attribution):  # type: ignore[misc]
    """Layer-wise relevance propagation of a module, wherever captum takes an attribution method.

    The module is exported on the first call, and again when its weights or the sizes of its inputs have changed, so that a
    map is always that of the module as it is. It is explained in evaluation mode.

    :param module: the network
    :param options: those of :func:`relprop.compile`, such as ``composite="epsilon-plus"``; ``dialect="captum"`` takes the
        rules as captum's own LRP has them; and ``device``, ``providers`` and ``threads`` of :class:`relprop.Explainer`

    >>> method = RelevancePropagation(net, composite="epsilon-plus")  # doctest: +SKIP
    >>> attributions = method.attribute(x, target=3)  # doctest: +SKIP
    >>> captum.attr.NoiseTunnel(method).attribute(x, nt_samples=8, target=3)  # doctest: +SKIP
    """

    def __init__(self, module: torch.nn.Module, **options: Any) -> None:
        super().__init__(module)
        self._module, self._options = module, options
        self._explainer: Explainer | None = None
        self._known: Any = None

    @captum.log.log_usage()  # type: ignore[untyped-decorator]
    def attribute(
        self,
        inputs: torch.Tensor | tuple[torch.Tensor, ...],
        target: Any = None,
        additional_forward_args: Any = None,
        return_convergence_delta: bool = False,
    ) -> Any:
        """Relevance of the inputs.

        :param inputs: a tensor, or a tuple of them; axis 0 counts samples
        :param target: an integer, one for each sample, a tuple, or a list of tuples, as everywhere in captum
        :param additional_forward_args: further arguments of the module's ``forward``
        :param return_convergence_delta: also what of each sample's start did not reach the inputs, Σ start − ΣR, [N]
        :returns: what captum's methods return: a tensor, or a tuple where a tuple went in
        :raises OptionError: if an argument is no tensor
        """
        is_tuple = isinstance(inputs, tuple)
        own = inputs if isinstance(inputs, tuple) else (inputs,)
        more = additional_forward_args
        further = () if more is None else more if isinstance(more, tuple) else (more,)
        for each in (*own, *further):
            if not isinstance(each, torch.Tensor):
                why = f"{type(each).__name__} {each!r} cannot be an input of an exported graph"
                raise OptionError("cannot use these arguments", why, "wrap the module so that it takes tensors only")
        explainer = self._ready((*own, *further))
        # captum's "no target" is an output of one number for each sample.
        explanation = explainer((*own, *further), target)
        names = [info.name for info in explainer.facts.model_inputs]
        missing = [name for name in names[: len(own)] if name not in explanation.relevances]
        if missing:
            raise OptionError("cannot explain these inputs", f"no relevance goes to {', '.join(missing)}")
        found = tuple(explanation.relevances[name].to(each.dtype) for name, each in zip(names, own, strict=False))
        attributions = found if is_tuple else found[0]
        if not return_convergence_delta:
            return attributions
        target_of = explanation.target
        seed = explainer.facts.settings["seed"]
        start = target_of if seed == "one" else target_of * explanation.explained
        reached = sum(each.flatten(1).sum(1) for each in found)
        return attributions, start.flatten(1).sum(1) - reached

    def has_convergence_delta(self) -> bool:
        """True: relevance is conserved but for biases and stabilizers."""
        return True

    @property
    def multiplies_by_inputs(self) -> bool:
        """True: relevance is a share of the output, not a slope."""
        return True

    def _ready(self, inputs: tuple[torch.Tensor, ...]) -> Explainer:
        weights = [*self._module.parameters(), *self._module.buffers()]
        known = (
            [zlib.crc32(each.detach().cpu().contiguous().flatten().view(torch.uint8).numpy()) for each in weights],
            [(each.dtype, each.shape[1:]) for each in inputs],
        )
        if self._explainer is None or known != self._known:
            self._explainer = Explainer(self._module, example_inputs=inputs, **self._options)
            self._known = known
        return self._explainer
