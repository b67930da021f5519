"""Writes schedule.json: the learning rate of every step under torch.optim.lr_scheduler.

Run with the interpreter that has torch. `options` are Strop's names, `make` is PyTorch's scheduler
for `length` steps or epochs. Warm-up is a LambdaLR, by Hugging Face's formula t / warmup_steps: in
front of a schedule of steps, times a schedule of epochs.
"""

import json
import math
import pathlib
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn, optim
from torch.optim import lr_scheduler, swa_utils

LEARNING_RATE = 0.3
STEPS_PER_EPOCH = 5
STEPS = 38  # the last epoch is cut short

Make = Callable[[optim.Optimizer, int], lr_scheduler.LRScheduler]

OF_EPOCHS: list[tuple[dict[str, Any], Make]] = [
    ({"kind": "step", "step_size": 3}, lambda o, n: lr_scheduler.StepLR(o, 3)),
    ({"kind": "step", "step_size": 2, "gamma": 0.7}, lambda o, n: lr_scheduler.StepLR(o, 2, 0.7)),
    (
        {"kind": "multi_step", "milestones": [2, 3, 6], "gamma": 0.5},
        lambda o, n: lr_scheduler.MultiStepLR(o, [2, 3, 6], 0.5),
    ),
    ({"kind": "exponential", "gamma": 0.9}, lambda o, n: lr_scheduler.ExponentialLR(o, 0.9)),
    (
        {"kind": "cosine", "unit": "epoch", "minimum_learning_rate": 0.01},
        lambda o, n: lr_scheduler.CosineAnnealingLR(o, n, 0.01),
    ),
    (
        {"kind": "cosine_restarts", "unit": "epoch", "restart_period": 3},
        lambda o, n: lr_scheduler.CosineAnnealingWarmRestarts(o, 3),
    ),
    (
        {"kind": "polynomial", "unit": "epoch", "power": 2.0},
        lambda o, n: lr_scheduler.PolynomialLR(o, n, 2.0),
    ),
]

OF_STEPS: list[tuple[dict[str, Any], Make]] = [
    ({"kind": "constant"}, lambda o, n: lr_scheduler.ConstantLR(o, 1.0, 0)),
    (
        {"kind": "step", "unit": "step", "step_size": 7},
        lambda o, n: lr_scheduler.StepLR(o, 7),
    ),
    (
        {"kind": "multi_step", "unit": "step", "milestones": [1, 20]},
        lambda o, n: lr_scheduler.MultiStepLR(o, [1, 20]),
    ),
    (
        {"kind": "exponential", "unit": "step", "gamma": 0.8},
        lambda o, n: lr_scheduler.ExponentialLR(o, 0.8),
    ),
    ({"kind": "cosine"}, lambda o, n: lr_scheduler.CosineAnnealingLR(o, n)),
    (
        {"kind": "cosine_restarts", "restart_period": 5, "restart_multiplier": 2},
        lambda o, n: lr_scheduler.CosineAnnealingWarmRestarts(o, 5, 2),
    ),
    (
        {"kind": "cosine_restarts", "restart_period": 4, "minimum_learning_rate": 0.02},
        lambda o, n: lr_scheduler.CosineAnnealingWarmRestarts(o, 4, 1, 0.02),
    ),
    ({"kind": "polynomial"}, lambda o, n: lr_scheduler.PolynomialLR(o, n)),
    ({"kind": "polynomial", "power": 3.0}, lambda o, n: lr_scheduler.PolynomialLR(o, n, 3.0)),
    ({"kind": "linear"}, lambda o, n: lr_scheduler.LinearLR(o, 1.0, 0.0, n)),
    (
        {"kind": "linear", "start_factor": 0.25, "end_factor": 0.5},
        lambda o, n: lr_scheduler.LinearLR(o, 0.25, 0.5, n),
    ),
    (
        {"kind": "one_cycle"},
        lambda o, n: lr_scheduler.OneCycleLR(o, LEARNING_RATE, n, cycle_momentum=False),
    ),
    (
        {
            "kind": "one_cycle",
            "pct_start": 0.45,
            "div_factor": 10.0,
            "final_div_factor": 100.0,
            "anneals_linearly": True,
        },
        lambda o, n: lr_scheduler.OneCycleLR(
            o,
            LEARNING_RATE,
            n,
            pct_start=0.45,
            anneal_strategy="linear",
            cycle_momentum=False,
            div_factor=10,
            final_div_factor=100,
        ),
    ),
]


def make_optimizer() -> optim.Optimizer:
    return optim.SGD(nn.Linear(1, 1).parameters(), lr=LEARNING_RATE)


def rates_of(optimizer: optim.Optimizer, scheduler: Any, count: int) -> Iterator[float]:
    for _ in range(count):
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step()


def by_epoch(make: Make, warmup: int) -> list[float]:
    epochs = math.ceil(STEPS / STEPS_PER_EPOCH)
    optimizer = make_optimizer()
    rates = list(rates_of(optimizer, make(optimizer, epochs), epochs))
    factors = [min(1.0, step / warmup) if warmup else 1.0 for step in range(STEPS)]
    return [rates[step // STEPS_PER_EPOCH] * factors[step] for step in range(STEPS)]


def by_step(make: Make, warmup: int) -> list[float]:
    optimizer = make_optimizer()
    if warmup == 0:
        return list(rates_of(optimizer, make(optimizer, STEPS), STEPS))
    # A scheduler's constructor sets the first rate, so the two get an optimizer each.
    rates = list(rates_of(optimizer, make(optimizer, STEPS - warmup), STEPS - warmup))
    warming = optim.SGD(nn.Linear(1, 1).parameters(), lr=rates[0])
    rise = lr_scheduler.LambdaLR(warming, lambda t: t / warmup)
    return list(rates_of(warming, rise, warmup)) + rates


def cases() -> Iterator[dict[str, Any]]:
    for table, run in ((OF_EPOCHS, by_epoch), (OF_STEPS, by_step)):
        for options, make in table:
            yield {"options": options, "learning_rates": run(make, 0)}
            warm = options | {"warmup_steps": 8}
            yield {"options": warm, "learning_rates": run(make, 8)}
    warm = {"kind": "linear", "warmup_ratio": 0.1}  # ceil(3.8) steps
    yield {"options": warm, "learning_rates": by_step(OF_STEPS[9][1], 4)}


def plateau_losses() -> list[float]:
    """Falls, stalls, falls by less than the threshold, rises, falls again, stalls."""
    losses = [2.0, 1.5, 1.2, 1.2, 1.19999, 1.3, 1.4, 1.2, 1.25, 0.9, 0.9, 0.9, 0.89999]
    return losses + [1.0] * 12


def plateaus() -> Iterator[dict[str, Any]]:
    for options in (
        {"factor": 0.1, "patience": 2},
        {"factor": 0.5, "patience": 0},
        {"factor": 0.5, "patience": 1, "cooldown": 2},
        {"factor": 0.3, "patience": 0, "minimum_learning_rate": 0.05},
        {"factor": 0.5, "patience": 1, "threshold": 0.05},
    ):
        arguments = {"min_lr" if k.startswith("minimum") else k: v for k, v in options.items()}
        optimizer = make_optimizer()
        scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, **arguments)  # type: ignore[arg-type]
        rates = []
        for loss in plateau_losses():
            scheduler.step(loss)
            rates.append(optimizer.param_groups[0]["lr"])
        yield {"options": options, "losses": plateau_losses(), "learning_rates": rates}


def stochastic_averages() -> Iterator[dict[str, Any]]:
    """SWALR's rate in the epoch where it starts and in those behind it."""
    for epochs, strategy in ((3, "cos"), (4, "linear"), (10, "cos")):
        optimizer = make_optimizer()
        scheduler = swa_utils.SWALR(optimizer, 0.05, epochs, strategy)
        rates = list(rates_of(optimizer, scheduler, 13))
        yield {"anneal_epochs": epochs, "strategy": strategy, "learning_rates": rates}


def main() -> None:
    document = {
        "learning_rate": LEARNING_RATE,
        "steps": STEPS,
        "steps_per_epoch": STEPS_PER_EPOCH,
        "cases": list(cases()),
        "plateaus": list(plateaus()),
        "stochastic_averages": list(stochastic_averages()),
    }
    path = pathlib.Path(__file__).parent / "schedule.json"
    path.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
