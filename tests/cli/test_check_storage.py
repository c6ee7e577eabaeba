from __future__ import annotations

from pathlib import Path

import pytest

from gateway.db import objects
from tests.cli.conftest import CONFIGURATION, Run
from tests.objectstore import bucket


def test_an_object_store_is_written_to_and_left_as_it_was(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "_SECONDS", 1)
    with bucket(monkeypatch) as s3:
        text = CONFIGURATION.format(folder=tmp_path) + f'[storage]\nraw = "{s3.url}"\n'
        (tmp_path / "gateway.toml").write_text(text, encoding="utf-8")
        assert s3.url in run("check").out
        assert s3.names() == []
        s3.close()
        result = run("check")
    assert result.status == 1
    assert "object store" in result.out + result.err
    assert "AWS_ACCESS_KEY_ID" in result.out + result.err
