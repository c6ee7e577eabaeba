from __future__ import annotations

import re
from pathlib import Path

from gateway.metrics import REGISTRY

DOCUMENT = (Path(__file__).resolve().parents[1] / "docs" / "monitoring.md").read_text(encoding="utf-8")


def test_every_metric_is_documented_with_its_labels_and_no_other() -> None:
    rows = re.findall(r"(?m)^\| `(gateway_\w+)` \| (.*?) \|", DOCUMENT)
    documented = {name.removesuffix("_total"): set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    ours = [metric for metric in REGISTRY._collector_to_names if hasattr(metric, "_labelnames")]
    assert documented == {metric._name: set(metric._labelnames) for metric in ours}
