#!/usr/bin/env python3
"""Writes learning.json: what scikit-learn, SciPy and statsmodels compute from small tables of numbers.

Features are multiples of 1/64, so that floats hold them exactly and the file stays small.
"""
import json
import os

import numpy as np
from scipy.special import log_softmax
from scipy.stats import binomtest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn import metrics
from statsmodels.stats.proportion import proportion_confint

random = np.random.default_rng(12)


def rounded(x):
    return np.round(x * 64) / 64


def table(rows, columns, classes):
    centers = random.normal(size=(classes, columns))
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, rows - classes)])
    x = rounded(centers[labels] * 0.6 + random.normal(size=(rows, columns)) + np.arange(columns))
    return x, labels


def standardised(x):
    return (x - x.mean(0)) / x.std(0)


def logistic(rows, columns, classes, penalty, weighted):
    x, labels = table(rows, columns, classes)
    weights = np.round(random.uniform(0.5, 2, rows) * 8) / 8 if weighted else np.ones(rows)
    factor = 2 if classes == 2 else 1
    model = LogisticRegression(
        C=factor / (penalty * weights.sum()), tol=1e-14, max_iter=10**5, solver="newton-cg" if classes > 2 else "lbfgs")
    model.fit(standardised(x), labels, sample_weight=weights)
    w, b = model.coef_, model.intercept_
    if classes == 2:
        w, b = np.concatenate([-w, w]) / 2, np.concatenate([-b, b]) / 2
    return {
        "x": x.flatten().tolist(), "columns": columns, "labels": labels.tolist(), "classes": classes,
        "penalty": penalty, "exampleWeights": weights.tolist() if weighted else None,
        "weights": w.T.flatten().tolist(), "bias": (b - b.mean()).tolist()}


def one_versus_rest():
    x, _ = table(40, 5, 3)
    targets = (random.random((40, 3)) < [0.5, 0.3, 0.6]).astype(float)
    known = random.random((40, 3)) < 0.8
    z = standardised(x)
    heads = []
    for k in range(3):
        model = LogisticRegression(C=1 / (0.05 * known[:, k].sum()), tol=1e-14, max_iter=10**5)
        heads.append(model.fit(z[known[:, k]], targets[known[:, k], k]))
    return {
        "x": x.flatten().tolist(), "columns": 5, "penalty": 0.05,
        "targets": [t if k else None for t, k in zip(targets.flatten().tolist(), known.flatten())],
        "weights": np.stack([h.coef_[0] for h in heads], 1).flatten().tolist(),
        "bias": [h.intercept_[0] for h in heads]}


def classification():
    classes, rows = 5, 120
    scores = rounded(random.normal(size=(rows, classes)) * 2)
    labels = np.where(random.random(rows) < 0.6, scores.argmax(1), random.integers(0, 4, rows))  # class 4 is rare
    p = np.exp(log_softmax(scores, 1))
    predictions = scores.argmax(1)
    low, high = proportion_confint((labels == predictions).sum(), rows, method="wilson")
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predictions, labels=range(classes), zero_division=0)
    confidence = p.max(1)
    bins = np.clip(np.ceil(confidence * 10) - 1, 0, 9)
    error = sum(
        (bins == b).sum() * abs((labels == predictions)[bins == b].mean() - confidence[bins == b].mean())
        for b in np.unique(bins)) / rows
    other = np.where(random.random(rows) < 0.5, labels, random.integers(0, classes, rows))
    first, second = labels == predictions, labels == other
    only = int((first & ~second).sum()), int((~first & second).sum())
    return {
        "scores": scores.flatten().tolist(), "labels": labels.tolist(), "classes": classes,
        "accuracy": metrics.accuracy_score(labels, predictions), "low": low, "high": high,
        "confusion": metrics.confusion_matrix(labels, predictions, labels=range(classes)).flatten().tolist(),
        "balancedAccuracy": metrics.balanced_accuracy_score(labels, predictions),
        "macroF1": metrics.f1_score(labels, predictions, average="macro"),
        "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(), "support": support.tolist(),
        "logLoss": metrics.log_loss(labels, p, labels=range(classes)),
        "brier": float(((p - np.eye(classes)[labels]) ** 2).sum(1).mean()),
        # scikit-learn's own takes the last of equal scores, this the first.
        "top2": float(np.any(np.argsort(-scores, 1, kind="stable")[:, :2] == labels[:, None], 1).mean()),
        "calibrationError": float(error), "other": other.tolist(),
        "onlyFirst": only[0], "onlySecond": only[1],
        "probability": binomtest(only[0], only[0] + only[1], 0.5).pvalue}


def labels():
    scores = np.round(random.normal(size=(60, 3)) * 4) / 4  # with ties
    targets = (random.random((60, 3)) < 1 / (1 + np.exp(-scores))).astype(int)
    return {
        "scores": scores.flatten().tolist(), "targets": targets.flatten().tolist(),
        "averagePrecision": [metrics.average_precision_score(targets[:, k], scores[:, k]) for k in range(3)],
        "area": [metrics.roc_auc_score(targets[:, k], scores[:, k]) for k in range(3)],
        "f1": [metrics.f1_score(targets[:, k], scores[:, k] > 0) for k in range(3)]}


def numbers():
    targets = rounded(random.normal(size=50) * 3 + 10)
    predictions = rounded(targets + random.normal(size=50))
    return {
        "targets": targets.tolist(), "predictions": predictions.tolist(),
        "mae": metrics.mean_absolute_error(targets, predictions),
        "rmse": metrics.root_mean_squared_error(targets, predictions),
        "r2": metrics.r2_score(targets, predictions)}


def ridge(rows, columns):
    x, _ = table(rows, columns, 3)
    y = rounded(x[:, 0] - 2 * x[:, 1] + random.normal(size=rows) + 100)
    model = Ridge(alpha=0.1 * rows, solver="svd").fit(standardised(x), y)
    return {
        "x": x.flatten().tolist(), "columns": columns, "targets": y.tolist(), "penalty": 0.1,
        "weights": model.coef_.tolist(), "bias": float(model.intercept_)}


def log_me(rows, columns, classes):
    """You et al., "LogME: Practical Assessment of Pre-trained Models for Transfer Learning", 2021, on centred data."""
    x, labels = table(rows, columns, classes)
    f = x - x.mean(0)
    u, s, _ = np.linalg.svd(f, full_matrices=False)
    # Centring takes away one degree of freedom; where the features span all others, noise has none left.
    count = rows - 1 if columns >= rows - 1 else rows
    total = 0
    for k in range(classes):
        y = (labels == k).astype(float)
        y -= y.mean()
        alpha, beta = 1.0, 1.0
        for step in range(10000):
            # The posterior mean by solving the normal equations, not by the decomposition.
            m = beta * np.linalg.solve(alpha * np.eye(columns) + beta * f.T @ f, f.T @ y)
            gamma = (beta * s**2 / (alpha + beta * s**2)).sum()
            old = alpha / beta
            alpha, beta = gamma / (m @ m), (count - gamma) / ((f @ m - y) ** 2).sum()
            if abs(alpha / beta - old) < 1e-13 * old:
                break
        a = alpha * np.eye(columns) + beta * f.T @ f
        m = beta * np.linalg.solve(a, f.T @ y)
        evidence = (
            columns / 2 * np.log(alpha) + count / 2 * np.log(beta) - np.linalg.slogdet(a)[1] / 2
            - beta / 2 * ((f @ m - y) ** 2).sum() - alpha / 2 * (m @ m) - count / 2 * np.log(2 * np.pi))
        print("alpha, beta", alpha, beta, "after", step, "steps")
        total += evidence / count
    return {
        "x": x.flatten().tolist(), "columns": columns, "labels": labels.tolist(), "classes": classes,
        "score": float(total / classes)}


def components(rows, columns):
    x, _ = table(rows, columns, 3)
    model = PCA(svd_solver="full", whiten=True).fit(x)
    kept = min(rows - 1, columns)
    signs = np.sign(model.components_[np.arange(len(model.components_)), abs(model.components_).argmax(1)])
    return {
        "x": x.flatten().tolist(), "columns": columns,
        "directions": (model.components_ * signs[:, None])[:kept].flatten().tolist(),
        "variances": model.explained_variance_[:kept].tolist(),
        "whitened": (model.transform(x) * signs)[:, :kept].flatten().tolist()}


def clustering():
    x, labels = table(30, 3, 3)
    return {
        "x": x.flatten().tolist(), "columns": 3, "labels": labels.tolist(),
        "silhouette": float(metrics.silhouette_score(x, labels)),
        "inertia": float(KMeans(3, n_init=100, random_state=0, tol=0).fit(x).inertia_)}


content = {
    "logistic": [
        logistic(60, 6, 4, 0.01, False), logistic(60, 6, 3, 1, True), logistic(40, 5, 2, 0.05, True),
        logistic(12, 30, 3, 0.1, False)],
    "oneVersusRest": one_versus_rest(),
    "classification": classification(),
    "labels": labels(),
    "numbers": numbers(),
    "logME": [log_me(40, 6, 3), log_me(24, 30, 3)],
    "components": [components(20, 5), components(6, 15)],
    "clustering": clustering(),
    "ridge": [ridge(30, 4), ridge(10, 20)],
}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "learning.json")
with open(path, "w") as file:
    json.dump(content, file, separators=(",", ":"))
    file.write("\n")
