"""Strop beside others: a module for each, which needs that package and nothing else does.

from strop.integrations.optuna import OptunaPruningCallback
from strop.integrations.mlflow import autolog, load_model, log_model
from strop.integrations.tqdm import TqdmCallback
from strop.integrations.wandb import WandbCallback
"""
