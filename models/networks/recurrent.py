"""A perceptron, and classifiers of sequences: LSTM and GRU."""

import torch
from torch import Tensor, nn


class Perceptron(nn.Module):
    """[N, widths[0]] to [N, widths[-1]], ReLU between."""

    def __init__(self, *widths: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in zip(widths, widths[1:], strict=False):
            layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, features: Tensor) -> Tensor:
        return self.layers(features)


class RecurrentClassifier(nn.Module):
    """Token ids [N, T] to [N, classes] from the last step's output."""

    def __init__(
        self,
        cell: type[nn.LSTM] | type[nn.GRU],
        vocabulary: int,
        width: int,
        layers: int,
        classes: int,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.cell = cell(
            width, width, num_layers=layers, batch_first=True, bidirectional=bidirectional
        )
        self.classifier = nn.Linear(width * (2 if bidirectional else 1), classes)

    def forward(self, input_ids: Tensor) -> Tensor:
        output, _ = self.cell(self.words(input_ids))
        return self.classifier(torch.tanh(output.mean(dim=1)))
