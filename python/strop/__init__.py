"""Trains ONNX models on the CPU, and gives back the same files with better weights."""

from strop import _strop

__version__: str = _strop.version()
