#!/usr/bin/env python3
"""What standardised features and grouped copies are worth, which `zoo train` does not let anyone switch off.

    python Scripts/compare_defaults.py DATA BACKBONE.zoo [--seeds 5] [--zoo .build/release/zoo]

DATA is a folder of class folders. `zoo features` computes the features, and scikit-learn solves the head, its penalty
found by cross-validation on the training part: on features as they are or standardised; on the parts that `zoo train`
makes, with copies on one side, or on parts drawn by class alone. Balanced weights as in `zoo train`. Prints accuracy and
the mean of the classes' recalls (mean and standard error over the seeds). Needs numpy and scikit-learn.
"""
import argparse
import json
import math
import os
import subprocess
import tempfile
import warnings


def main():
    import numpy as np
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("backbone")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--zoo", default=".build/release/zoo")
    args = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "features.npz")
        subprocess.run([args.zoo, "features", args.backbone, args.data, "--pooling", "avg", "-o", table, "-q"], check=True)
        content = np.load(table)
        values = content["features"]
        names = ["/".join(one.split("/")[-2:]) for one in content["paths"]]
        labels = np.unique([one.split("/")[0] for one in names], return_inverse=True)[1]
        for seed in range(args.seeds):
            report = json.loads(subprocess.run(
                [args.zoo, "train", args.data, "--backbone", args.backbone, "-o", os.path.join(folder, "m.zoo"), "-f", "-q",
                 "--json", "--validation", "0.3", "--seed", str(seed)], check=True, capture_output=True).stdout)
            chosen = set(report["split"]["validation_pictures"])
            held = np.array([one in chosen for one in names])
            drawn = np.zeros(len(names), bool)
            drawn[train_test_split(np.arange(len(names)), test_size=held.mean(), stratify=labels, random_state=seed)[1]] = True
            measured = report["tasks"][0]["measured"]
            results.setdefault("zoo train", []).append((measured["accuracy"]["value"], measured["balanced_accuracy"]))
            for name, part, scaler in [("standardised", held, StandardScaler()), ("as they are", held, None),
                                       ("standardised, copies on both sides", drawn, StandardScaler())]:
                x = scaler.fit(values[~part]).transform(values) if scaler else values
                # zoo's penalty λ is 1/(C·n) here. Features of smaller deviation need weaker penalties.
                penalties = np.array([1, 0.1, 0.01, 1e-3]) * x[~part].std(axis=0).mean() ** 2
                head = LogisticRegressionCV(Cs=1 / (penalties * (~part).sum()), cv=5, scoring="neg_log_loss",
                                            max_iter=300, class_weight="balanced").fit(x[~part], labels[~part])
                right = head.predict(x[part]) == labels[part]
                recall = np.mean([right[labels[part] == one].mean() for one in np.unique(labels[part])])
                results.setdefault(name, []).append((right.mean(), recall))
    for name, rows in results.items():
        print(f"{name:36} accuracy {spread([r[0] for r in rows])}, recall {spread([r[1] for r in rows])}")


def spread(values):
    n = len(values)
    mean = sum(values) / n
    return f"{mean:.3f} ± {math.sqrt(sum((v - mean) ** 2 for v in values) / max(1, n - 1) / n):.3f}"


main()
