"""Tensors put into an empty model one by one; what does not fit is named."""

from typing import Any

import pytest

from kb_server.core.answers import Quantization
from kb_server.core.errors import GenerationFailed

torch = pytest.importorskip("torch", reason="needs the extra `generate`")

from torch import nn  # noqa: E402 - once torch is known to be there

from kb_server.llm.weights.placement import Placement, linear_names  # noqa: E402

CPU = torch.device("cpu")


class _Base(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(64, 64)
        self.dense = nn.Linear(64, 64)
        self.register_buffer("table", torch.zeros(3))


class _Model(nn.Module):
    base_model_prefix = "model"

    def __init__(self, tied: bool = False) -> None:
        super().__init__()
        self.model = _Base()
        self.head = nn.Linear(64, 64, bias=False)
        self._tied = tied

    def get_output_embeddings(self) -> nn.Linear:
        return self.head

    def tie_weights(self) -> None:
        if self._tied:
            self.head.weight = self.model.embed.weight


def _empty(tied: bool = False) -> _Model:
    with torch.device("meta"):
        return _Model(tied)


def _weights() -> dict[str, Any]:
    torch.manual_seed(0)
    return {name: torch.randn_like(tensor) for name, tensor in _Model().named_parameters()}


def test_linear_layers_are_all_but_the_output() -> None:
    assert linear_names(_Model()) == {"model.dense"}


def test_a_placed_model_computes_what_its_weights_say() -> None:
    model, weights = _empty(), _weights()
    placement = Placement(model, Quantization.NONE, CPU)
    for name, tensor in weights.items():
        placement.place(name, tensor)
    placement.finish()
    assert placement.quantized_layers == 1
    assert {name: tensor.device.type for name, tensor in model.named_parameters()} == dict.fromkeys(weights, "cpu")
    x = torch.randn(2, 64)
    expected = x @ weights["model.dense.weight"].T + weights["model.dense.bias"]
    assert torch.allclose(model.model.dense(x), expected, atol=1e-5)
    weights["model.dense.bias"].add_(1)
    assert torch.allclose(model.model.dense(x), expected, atol=1e-5), "what was placed is a copy"
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_files_of_a_base_model_leave_its_prefix_out() -> None:
    model = _empty(tied=True)
    placement = Placement(model, Quantization.NONE, CPU)
    for name, tensor in _weights().items():
        if name != "head.weight":
            placement.place(name.removeprefix("model."), tensor)
    placement.finish()
    assert model.head.weight is model.model.embed.weight


def test_tables_that_are_computed_may_come_and_are_passed_over() -> None:
    placement = Placement(_empty(), Quantization.NONE, CPU)
    for name, tensor in _weights().items():
        placement.place(name, tensor)
    placement.place("model.table", torch.ones(3))
    placement.place("model.layers.0.rotary_emb.inv_freq", torch.ones(3))
    placement.finish()


def test_what_is_missing_and_what_is_unknown_is_named_three_of_each() -> None:
    placement = Placement(_empty(), Quantization.NONE, CPU)
    placement.place("model.dense.bias", torch.zeros(64))
    for number in range(5):
        placement.place(f"model.more.{number}.weight", torch.zeros(1))
    with pytest.raises(GenerationFailed) as caught:
        placement.finish()
    said = str(caught.value)
    assert "missing model.embed.weight, model.dense.weight, head.weight" in said
    assert "unknown model.more.0.weight, model.more.1.weight, model.more.2.weight and 2 more" in said


@pytest.mark.parametrize("scheme", [Quantization.NONE, Quantization.INT8])
def test_a_tensor_of_another_shape_is_named(scheme: Quantization) -> None:
    placement = Placement(_empty(), scheme, CPU)
    with pytest.raises(GenerationFailed, match=r"'model.dense.weight' is \(64, 32\); config.json describes \(64, 64\)"):
        placement.place("model.dense.weight", torch.zeros(64, 32))


@pytest.mark.parametrize("bias_first", [True, False])
def test_a_quantized_layer_is_near_the_full_one_whenever_its_bias_comes(bias_first: bool) -> None:
    pytest.importorskip("bitsandbytes", reason="needs the extra `quantize`")
    model, weights = _empty().to(torch.float32), _weights()
    placement = Placement(model, Quantization.INT8, CPU)
    names = sorted(weights, key=lambda name: name.endswith("bias") != bias_first)
    for name in names:
        placement.place(name, weights[name])
    placement.finish()
    assert not isinstance(model.model.dense, nn.Linear) or model.model.dense.weight.dtype != torch.float32
    assert isinstance(model.head, nn.Linear), "the output layer is left in full"
    x = torch.randn(4, 64)
    expected = x @ weights["model.dense.weight"].T + weights["model.dense.bias"]
    found = model.model.dense(x).float()
    assert float((found - expected).norm() / expected.norm()) < 0.05


def test_a_packed_layer_waits_for_all_its_parts() -> None:
    placement = Placement(_empty(), Quantization.INT4, CPU, published_int4=True)
    for name, tensor in _weights().items():
        if name != "model.dense.weight":
            placement.place(name, tensor)
    placement.place("model.dense.weight", torch.zeros(64, 32, dtype=torch.int8))
    with pytest.raises(GenerationFailed, match=r"missing model\.dense"):
        placement.finish()
