"""rows.jsonl of run.sh → a Markdown table: mean and spread (standard deviation) over seeds."""
import json
import statistics
import sys


def pick(results, probe, setting):
    """The result of one probe; the kNN with k = 20 stands for all of them."""
    return next(r for r in results if r["probe"] == probe and setting in r["setting"])


def cell(values):
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{spread}"


rows = {}
for line in open(sys.argv[1]):
    row = json.loads(line)
    rows.setdefault(row["name"], []).append(row)
print("| features | seeds | linear AUC | linear balanced | kNN-20 AUC | kNN-20 balanced | minutes |")
print("|---|---|---|---|---|---|---|")
for name, runs in rows.items():
    linear = [pick(r["linear"], "linear_logistic", "") for r in runs]
    knn = [pick(r["knn"], "knn", "k=20") for r in runs]
    columns = [[r[measure]["value"] for r in results] for results in (linear, knn) for measure in ("auc", "balanced_accuracy")]
    minutes = statistics.mean(r["seconds"] for r in runs) / 60
    print(f"| {name} | {len(runs)} | " + " | ".join(cell(c) for c in columns) + f" | {minutes:.0f} |")
