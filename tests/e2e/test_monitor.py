"""Health and metrics of the real program."""

from __future__ import annotations

import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.running import Gateway, free_port, mail, wait_for


def samples(url: str) -> dict[str, float]:
    """Every sample by its name and label values, such as ``gateway_mails_done_total ticket``."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as response:
        families = text_string_to_metric_families(response.read().decode())
    return {" ".join((s.name, *s.labels.values())): s.value for family in families for s in family.samples}


def test_the_way_of_a_mail_is_counted(tmp_path: Path) -> None:
    port = free_port()
    gateway = Gateway(tmp_path, extra=f'[metrics]\nlisten = "127.0.0.1:{port}"\n')
    gateway.start()
    try:
        url = f"http://127.0.0.1:{port}"
        with urllib.request.urlopen(f"{url}/readyz", timeout=30) as response:
            assert response.status == 200
        gateway.send(mail("All down", "Nobody in our company can log in, error 500, there is no workaround."))
        wait_for(lambda: samples(url).get("gateway_pages_total sent"), "the page is counted")
        wait_for(lambda: samples(url).get("gateway_deliveries_total sent", 0) >= 2, "both mails are counted")
        counted = samples(url)
    finally:
        gateway.stop()
    assert counted["gateway_mails_accepted_total smtp"] == 1
    assert counted["gateway_mails_done_total ticket"] == 1
    assert counted["gateway_mail_seconds_count"] == 1
    assert counted["gateway_page_seconds_count"] == 1
    assert counted["gateway_bytes_in_flight"] == 0
    assert counted["gateway_intake_paused"] == 0
