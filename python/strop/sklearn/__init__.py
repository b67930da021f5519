"""Estimators for scikit-learn, over ONNX models.

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from strop.sklearn import StropClassifier, to_onnx
    >>> pipeline = make_pipeline(StandardScaler(), StropClassifier(epochs=20, random_state=0))
    >>> pipeline.fit(x, y).score(x, y) > 0.9
    True
    >>> content = to_onnx(pipeline, x[:1]).SerializeToString()  # one ONNX file of the whole

Needs the package `scikit-learn`, 1.6 or newer; models that are given, embeddings and `to_onnx` need
`onnx`, and `to_onnx` needs `skl2onnx`, too.
"""

from strop.sklearn.classifier import StropClassifier
from strop.sklearn.export import to_onnx
from strop.sklearn.regressor import StropRegressor
from strop.sklearn.transformer import StropTransformer

__all__ = ["StropClassifier", "StropRegressor", "StropTransformer", "to_onnx"]
