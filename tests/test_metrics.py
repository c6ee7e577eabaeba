from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from gateway.metrics import REGISTRY

DOCUMENT = (Path(__file__).resolve().parents[1] / "docs" / "monitoring.md").read_text(encoding="utf-8")


def test_every_metric_is_documented_with_its_labels_and_no_other() -> None:
    rows = re.findall(r"(?m)^\| `(gateway_\w+)` \| (.*?) \|", DOCUMENT)
    documented = {name.removesuffix("_total"): set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    ours = [metric for metric in REGISTRY._collector_to_names if hasattr(metric, "_labelnames")]
    assert documented == {metric._name: set(metric._labelnames) for metric in ours}


def test_what_is_worth_an_alert_is_there_before_it_happens() -> None:
    """Prometheus sees no increase of a series that begins with 1."""
    code = "import prometheus_client as p, gateway.metrics as m; print(p.generate_latest(m.REGISTRY).decode())"
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    alerts = re.findall(r'increase\((\w+)\{(\w+)(!?=)"(\w+)"\}', DOCUMENT)
    assert len(alerts) == 3
    for name, label, relation, value in alerts:
        wanted = {"later", "failed"} if relation == "!=" else {value}
        assert {one for one in wanted if f'{name}{{{label}="{one}"}} 0.0' in fresh} == wanted
