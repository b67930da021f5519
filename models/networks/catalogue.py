"""The test networks: how each is built, what it is fed and which loss it is trained with."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from networks.convolutional import BasicBlock, LeNet, MobileNetV2, MobileNetV3, ResNet, UNet
from networks.recurrent import Perceptron, RecurrentClassifier
from networks.transformer import Bert, Gpt, VisionTransformer

Arrays = dict[str, np.ndarray]
VOCABULARY = 40
TOKENS = 9


@dataclass(frozen=True)
class Network:
    """One test network. `build` takes whether float32 constants are written out (see rounding)."""

    name: str
    build: Callable[[bool], nn.Module]
    make_inputs: Callable[[np.random.Generator, int], Arrays]
    make_target: Callable[[np.random.Generator, int], np.ndarray]
    loss: str = "cross_entropy"

    @property
    def has_batch_norm(self) -> bool:
        return any(isinstance(m, nn.BatchNorm2d) for m in self.build(False).modules())

    def make_model(self, written_out: bool = False) -> nn.Module:
        """The network with its fixed float32 weights: every tensor distinct, none at a default."""
        torch.manual_seed(20260101)
        model = self.build(written_out)
        generator = torch.Generator().manual_seed(7)
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if tensor.dtype != torch.float32 or tensor.ndim != 1:
                continue
            noise = 0.1 * torch.randn(tensor.shape, generator=generator)
            is_scale = name.endswith("running_var") or tensor.detach().eq(1).all()
            tensor.data.copy_(noise.abs() + 0.9 if is_scale else noise)
        return model

    def make_data(self, samples: int) -> Arrays:
        generator = np.random.default_rng(11)
        data = self.make_inputs(generator, samples)
        return {**data, "target": self.make_target(generator, samples)}


def array_input(name: str, *shape: int) -> Callable[[np.random.Generator, int], Arrays]:
    return lambda generator, n: {name: generator.normal(size=(n, *shape)).astype(np.float32)}


def token_input(generator: np.random.Generator, n: int) -> Arrays:
    return {"input_ids": generator.integers(0, VOCABULARY, (n, TOKENS))}


def bert_input(generator: np.random.Generator, n: int) -> Arrays:
    lengths = generator.integers(TOKENS // 2, TOKENS + 1, (n, 1))
    splits = generator.integers(1, TOKENS, (n, 1))
    places = np.arange(TOKENS)
    return {
        **token_input(generator, n),
        "attention_mask": (places < lengths).astype(np.int64),
        "token_type_ids": (places >= splits).astype(np.int64),
    }


def classes(count: int, *shape: int) -> Callable[[np.random.Generator, int], np.ndarray]:
    return lambda generator, n: generator.integers(0, count, (n, *shape))


def binary_mask(generator: np.random.Generator, n: int) -> np.ndarray:
    return generator.integers(0, 2, (n, 1, 16, 16)).astype(np.float32)


def small_resnet(_: bool) -> nn.Module:
    return ResNet(BasicBlock, (1, 1), 8, 10, large_images=False)


def small_mobilenet(_: bool) -> nn.Module:
    return MobileNetV2([(8, 1, 2), (8, 1, 2), (12, 2, 2)], 8, 24, 10)


def classifier_of_tokens(cell: type[nn.LSTM] | type[nn.GRU], both: bool) -> nn.Module:
    return RecurrentClassifier(cell, VOCABULARY, 12, 2, 5, both)


NETWORKS = [
    Network("mlp", lambda _: Perceptron(20, 32, 16, 10), array_input("features", 20), classes(10)),
    Network("lenet", lambda _: LeNet(), array_input("image", 1, 28, 28), classes(10)),
    Network("resnet", small_resnet, array_input("image", 3, 16, 16), classes(10)),
    Network("mobilenet_v2", small_mobilenet, array_input("image", 3, 16, 16), classes(10)),
    Network(
        "mobilenet_v3",
        lambda written_out: MobileNetV3(8, 10, written_out),
        array_input("image", 3, 16, 16),
        classes(10),
    ),
    Network(
        "unet",
        lambda _: UNet(4),
        array_input("image", 1, 16, 16),
        binary_mask,
        loss="binary_cross_entropy",
    ),
    Network(
        "bert",
        lambda _: Bert(VOCABULARY, TOKENS, 32, 2, 2, 5),
        bert_input,
        classes(5),
    ),
    Network(
        "gpt",
        lambda _: Gpt(VOCABULARY, TOKENS, 32, 2, 2),
        token_input,
        classes(VOCABULARY, TOKENS),
    ),
    Network(
        "vit",
        lambda _: VisionTransformer(16, 4, 32, 2, 1, 10),
        array_input("image", 3, 16, 16),
        classes(10),
    ),
    Network("lstm", lambda _: classifier_of_tokens(nn.LSTM, True), token_input, classes(5)),
    Network("gru", lambda _: classifier_of_tokens(nn.GRU, False), token_input, classes(5)),
]


def find_network(name: str) -> Network:
    return next(network for network in NETWORKS if network.name == name)
