"""Which option belongs to which loss, optimizer and schedule: the parameters that PyTorch's classes
have, as option_suits.json. With PyTorch:

    python tests/goldens/make_option_suits_goldens.py [--check]
"""

import inspect
import json
import sys
from pathlib import Path

import torch

# PyTorch's name of a parameter, and the options that say it.
OPTIMIZER_OPTIONS = {
    "momentum": ["momentum"],
    "dampening": ["dampening"],
    "nesterov": ["nesterov"],
    "alpha": ["alpha"],
    "centered": ["centered"],
    "rho": ["rho"],
    "betas": ["beta1", "beta2"],
    "eps": ["epsilon"],
    "amsgrad": ["amsgrad"],
    "lr_decay": ["learning-rate-decay"],
    "initial_accumulator_value": ["initial-accumulator-value"],
    "momentum_decay": ["momentum-decay"],
    "decoupled_weight_decay": ["decoupled-weight-decay"],
}
LOSS_OPTIONS = {
    "weight": ["class-weights"],
    "ignore_index": ["ignore-index"],
    "label_smoothing": ["label-smoothing"],
    "pos_weight": ["positive-weight"],
    "delta": ["huber-delta"],
    "beta": ["huber-delta"],
}
SCHEDULE_OPTIONS = {
    "step_size": ["step-size"],
    "milestones": ["milestones"],
    "gamma": ["gamma"],
    "eta_min": ["minimum-learning-rate"],
    "min_lr": ["minimum-learning-rate"],
    "T_0": ["restart-period"],
    "T_mult": ["restart-multiplier"],
    "power": ["power"],
    "start_factor": ["start-factor"],
    "end_factor": ["end-factor"],
    "pct_start": ["pct-start"],
    "div_factor": ["div-factor"],
    "final_div_factor": ["final-div-factor"],
    "anneal_strategy": ["anneal-strategy"],
    "factor": ["factor"],
    "patience": ["patience"],
    "threshold": ["threshold"],
    "cooldown": ["cooldown"],
}
OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
}
LOSSES = {
    "cross_entropy": torch.nn.CrossEntropyLoss,
    "binary_cross_entropy": torch.nn.BCEWithLogitsLoss,
    "mse": torch.nn.MSELoss,
    "l1": torch.nn.L1Loss,
    "huber": torch.nn.HuberLoss,
    "smooth_l1": torch.nn.SmoothL1Loss,
}
SCHEDULER = torch.optim.lr_scheduler
SCHEDULES = {
    "step": SCHEDULER.StepLR,
    "multi_step": SCHEDULER.MultiStepLR,
    "exponential": SCHEDULER.ExponentialLR,
    "cosine": SCHEDULER.CosineAnnealingLR,
    "cosine_restarts": SCHEDULER.CosineAnnealingWarmRestarts,
    "polynomial": SCHEDULER.PolynomialLR,
    "linear": SCHEDULER.LinearLR,
    "one_cycle": SCHEDULER.OneCycleLR,
    "reduce_on_plateau": SCHEDULER.ReduceLROnPlateau,
}


# What a class has under a name of others: BCEWithLogitsLoss weighs the elements of a batch, not
# classes; Adam that decouples the weight decay is AdamW.
OTHERWISE = {
    (torch.nn.BCEWithLogitsLoss, "weight"),
    (torch.optim.Adam, "decoupled_weight_decay"),
}


def options_of(kind: type, options: dict[str, list[str]]) -> list[str]:
    parameters = inspect.signature(kind).parameters
    own = [key for key in parameters if (kind, key) not in OTHERWISE]
    return sorted({name for key in own for name in options.get(key, [])})


def goldens() -> str:
    tables = {
        "optimizer": (OPTIMIZERS, OPTIMIZER_OPTIONS),
        "loss": (LOSSES, LOSS_OPTIONS),
        "schedule": (SCHEDULES, SCHEDULE_OPTIONS),
    }
    found = {
        chooser: {name: options_of(kind, options) for name, kind in kinds.items()}
        for chooser, (kinds, options) in tables.items()
    }
    return json.dumps(found, indent=1) + "\n"


path = Path(__file__).parent / "option_suits.json"
if "--check" in sys.argv:
    sys.exit(0 if path.read_text() == goldens() else "option_suits.json is not what PyTorch says")
path.write_text(goldens())
