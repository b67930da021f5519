"""Networks of attention: BERT, GPT and ViT."""

import torch
from torch import Tensor, nn

from networks.rounding import EPSILON, TanhGelu


class SelfAttention(nn.Module):
    """Multi-head attention, one projection for queries, keys and values. [N, T, width]."""

    def __init__(self, width: int, heads: int, is_causal: bool) -> None:
        super().__init__()
        self.heads = heads
        self.is_causal = is_causal
        self.projection = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        parts = self.projection(x).chunk(3, dim=-1)
        query, key, value = (p.unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in parts)
        mixed = nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, is_causal=self.is_causal
        )
        return self.output(mixed.transpose(1, 2).flatten(2))


class MaskedAttention(nn.Module):
    """Multi-head attention as BERT writes it out, with an additive mask. [N, T, width]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        query, key, value = (self.split(f(x)) for f in (self.query, self.key, self.value))
        scores = query @ key.transpose(2, 3) / query.shape[-1] ** 0.5
        weights = torch.softmax(scores + mask, dim=-1)
        return self.output((weights @ value).transpose(1, 2).flatten(2))


class PreNormBlock(nn.Module):
    """Attention and a two-layer perceptron, each on a normalised input, each with a residual."""

    def __init__(
        self, width: int, heads: int, hidden: int, activation: nn.Module, is_causal: bool
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=EPSILON)
        self.attention = SelfAttention(width, heads, is_causal)
        self.norm2 = nn.LayerNorm(width, eps=EPSILON)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), activation, nn.Linear(hidden, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PostNormBlock(nn.Module):
    """BERT's layer: attention and a two-layer perceptron, normalised after each residual."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention = MaskedAttention(width, heads)
        self.norm1 = nn.LayerNorm(width, eps=EPSILON)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.norm2 = nn.LayerNorm(width, eps=EPSILON)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.norm1(x + self.attention(x, mask))
        return self.norm2(x + self.mlp(x))


class Bert(nn.Module):
    """Token ids, attention mask and segment ids, all [N, T], to class logits [N, classes]."""

    def __init__(
        self,
        vocabulary: int,
        positions: int,
        width: int,
        heads: int,
        layers: int,
        classes: int,
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(positions, width)
        self.segments = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.layers = nn.ModuleList(PostNormBlock(width, heads, 4 * width) for _ in range(layers))
        self.pooler = nn.Linear(width, width)
        self.classifier = nn.Linear(width, classes)

    def forward(self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor) -> Tensor:
        place = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.words(input_ids) + self.positions(place) + self.segments(token_type_ids)
        x = self.norm(x)
        mask = (1.0 - attention_mask[:, None, None, :].to(x.dtype)) * -10000.0
        for layer in self.layers:
            x = layer(x, mask)
        return self.classifier(torch.tanh(self.pooler(x[:, 0])))


class Gpt(nn.Module):
    """Token ids [N, T] to the next token's logits [N, T, vocabulary] (Radford et al. 2019)."""

    def __init__(
        self, vocabulary: int, positions: int, width: int, heads: int, layers: int
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(positions, width)
        self.layers = nn.Sequential(
            *(
                PreNormBlock(width, heads, 4 * width, TanhGelu(), is_causal=True)
                for _ in range(layers)
            )
        )
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, input_ids: Tensor) -> Tensor:
        place = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.words(input_ids) + self.positions(place)
        return self.head(self.norm(self.layers(x)))


class VisionTransformer(nn.Module):
    """[N, 3, size, size] to [N, classes] (Dosovitskiy et al. 2020)."""

    def __init__(
        self,
        size: int,
        patch: int,
        width: int,
        heads: int,
        layers: int,
        classes: int,
    ) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, stride=patch)
        self.class_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.positions = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, width) * 0.02)
        self.layers = nn.Sequential(
            *(
                PreNormBlock(width, heads, 4 * width, nn.GELU(), is_causal=False)
                for _ in range(layers)
            )
        )
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.head = nn.Linear(width, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
        return self.head(self.norm(self.layers(x))[:, 0])


def bert_base(vocabulary: int = 30522, classes: int = 2) -> Bert:
    return Bert(vocabulary, 512, 768, 12, 12, classes)
