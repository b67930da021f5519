"""Networks for images: LeNet, ResNet, MobileNetV2, MobileNetV3 and U-Net."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from networks.rounding import EPSILON, HardSigmoid, float32


def batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=EPSILON)


def convolution_batch_norm(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    convolution = nn.Conv2d(
        inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False
    )
    return [convolution, batch_norm(outputs)]


class LeNet(nn.Module):
    """LeCun et al. 1998, with ReLU and max pooling. [N, 1, 28, 28] to [N, 10]."""

    def __init__(self, width: int = 1) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6 * width, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6 * width, 16 * width, 5),
            nn.LeakyReLU(float32(0.1)),
            nn.AvgPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(16 * width * 25, 24),
            nn.Tanh(),
            nn.Linear(24, 10),
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.classifier(self.features(image))


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut (He et al. 2015)."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *convolution_batch_norm(inputs, width, 3, stride),
            nn.ReLU(),
            *convolution_batch_norm(width, width, 3),
        )
        self.shortcut = shortcut(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.branch(x) + self.shortcut(x))


class Bottleneck(nn.Module):
    """1×1, 3×3, 1×1 convolutions and a shortcut; the stride is in the 3×3 (ResNet v1.5)."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *convolution_batch_norm(inputs, width, 1),
            nn.ReLU(),
            *convolution_batch_norm(width, width, 3, stride),
            nn.ReLU(),
            *convolution_batch_norm(width, width * self.expansion, 1),
        )
        self.shortcut = shortcut(inputs, width * self.expansion, stride)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.branch(x) + self.shortcut(x))


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return nn.Sequential(*convolution_batch_norm(inputs, outputs, 1, stride))


class ResNet(nn.Module):
    """[N, 3, H, W] to [N, classes]."""

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: Sequence[int],
        width: int,
        classes: int,
        large_images: bool,
    ) -> None:
        super().__init__()
        stem: list[nn.Module]
        if large_images:
            stem = [*convolution_batch_norm(3, width, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        else:
            stem = [*convolution_batch_norm(3, width, 3), nn.ReLU()]
        self.stem = nn.Sequential(*stem)
        stages: list[nn.Module] = []
        inputs = width
        for stage, depth in enumerate(depths):
            outputs = width * 2**stage
            for index in range(depth):
                stages.append(block(inputs, outputs, 2 if stage > 0 and index == 0 else 1))
                inputs = outputs * block.expansion
        self.stages = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(inputs, classes)

    def forward(self, image: Tensor) -> Tensor:
        features = self.pool(self.stages(self.stem(image)))
        return self.classifier(torch.flatten(features, 1))


class InvertedResidual(nn.Module):
    """Expand, depthwise, project (Sandler et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.branch = nn.Sequential(
            *convolution_batch_norm(inputs, hidden, 1),
            nn.ReLU6(),
            *convolution_batch_norm(hidden, hidden, 3, stride, groups=hidden),
            nn.ReLU6(),
            *convolution_batch_norm(hidden, outputs, 1),
        )
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x) if self.is_residual else self.branch(x)


class MobileNetV2(nn.Module):
    """[N, 3, H, W] to [N, classes]; `layout` holds (channels, stride, expansion) of each block."""

    def __init__(
        self, layout: Sequence[tuple[int, int, int]], stem: int, last: int, classes: int
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [*convolution_batch_norm(3, stem, 3, 2), nn.ReLU6()]
        inputs = stem
        for outputs, stride, expansion in layout:
            layers.append(InvertedResidual(inputs, outputs, stride, expansion))
            inputs = outputs
        layers += [*convolution_batch_norm(inputs, last, 1), nn.ReLU6()]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(last, classes)

    def forward(self, image: Tensor) -> Tensor:
        return self.classifier(self.features(image).mean([2, 3]))


class SqueezeExcitation(nn.Module):
    """Scales each channel by a gate that sees all of them (Hu et al. 2017)."""

    def __init__(self, channels: int, hidden: int, written_out: bool) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, channels, 1)
        self.gate = HardSigmoid(written_out)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gate(self.excite(torch.relu(self.squeeze(self.pool(x)))))


class MobileNetV3Block(nn.Module):
    """Expand, depthwise, squeeze and excite, project (Howard et al. 2019)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, gate: bool) -> None:
        super().__init__()
        hidden = inputs * 2
        self.branch = nn.Sequential(
            *convolution_batch_norm(inputs, hidden, 1),
            nn.Hardswish(),
            *convolution_batch_norm(hidden, hidden, kernel, stride, groups=hidden),
            SqueezeExcitation(hidden, max(2, hidden // 4), gate),
            nn.Hardswish(),
            *convolution_batch_norm(hidden, outputs, 1),
        )
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x) if self.is_residual else self.branch(x)


class MobileNetV3(nn.Module):
    """[N, 3, H, W] to [N, classes]."""

    def __init__(self, width: int, classes: int, written_out: bool = False) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *convolution_batch_norm(3, width, 3, 2),
            nn.Hardswish(),
            MobileNetV3Block(width, width, 3, 1, written_out),
            MobileNetV3Block(width, width * 2, 5, 2, written_out),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(width * 2, 16), nn.Hardswish(), nn.Linear(16, classes)
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.pool(self.features(image)), 1))


def double_convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        *convolution_batch_norm(inputs, outputs, 3),
        nn.ReLU(),
        *convolution_batch_norm(outputs, outputs, 3),
        nn.ReLU(),
    )


class UNet(nn.Module):
    """[N, 1, H, W] to logits [N, 1, H, W] (Ronneberger et al. 2015).

    One level goes up by a transposed convolution, the other by bilinear interpolation.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.down1 = double_convolution(1, width)
        self.down2 = double_convolution(width, width * 2)
        self.bottom = double_convolution(width * 2, width * 4)
        self.pool = nn.MaxPool2d(2)
        self.up2 = nn.ConvTranspose2d(width * 4, width * 2, 2, stride=2)
        self.merge2 = double_convolution(width * 4, width * 2)
        self.up1 = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.merge1 = double_convolution(width * 3, width)
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        fine = self.down1(image)
        middle = self.down2(self.pool(fine))
        bottom = self.bottom(self.pool(middle))
        middle = self.merge2(torch.cat([self.up2(bottom), middle], dim=1))
        fine = self.merge1(torch.cat([self.up1(middle), fine], dim=1))
        return self.head(fine)


def resnet50(classes: int = 1000) -> ResNet:
    return ResNet(Bottleneck, (3, 4, 6, 3), 64, classes, large_images=True)
