"""What the settings name outside of themselves: the policy and own templates."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway import log
from gateway.errors import ConfigurationError
from gateway.outbound.samples import sample
from gateway.pipeline import RandomNames, open_policy, open_renderer
from gateway.settings import Gateway, Mailbox, Settings
from gateway.triage.policy import DEFAULT


def settings(**values: Path) -> Settings:
    return Settings(
        gateway=Gateway.model_validate(values), mailbox=(Mailbox(name="support", addresses=("s@x.example",)),)
    )


def test_a_policy_that_is_not_there_is_told_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="leave it out for the shipped policy"):
        open_policy(settings(policy=tmp_path / "none.toml"))


def test_without_a_name_the_shipped_policy_holds() -> None:
    assert open_policy(settings()) is DEFAULT


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The mistakes that went to the log."""
    mistakes: list[str] = []
    monkeypatch.setattr(log, "template_wrong", mistakes.append)
    return mistakes


def test_mistakes_in_own_templates_are_logged_and_stop_nothing(tmp_path: Path, told: list[str]) -> None:
    own = tmp_path / "en" / "notice.txt.j2"
    own.parent.mkdir()
    own.write_text("{{ nonsense }}", encoding="utf-8")
    renderer = open_renderer(settings(templates=tmp_path))
    assert "'nonsense' is not defined here" in told[0]
    assert "opened" in renderer.render("notice", "en", sample("notice", "en")).text


def test_a_folder_of_templates_that_is_not_there_is_logged(tmp_path: Path, told: list[str]) -> None:
    open_renderer(settings(templates=tmp_path / "none"))
    assert "is no folder" in told[0]


def test_no_name_is_drawn_twice_whatever_thread_asks() -> None:
    names = RandomNames()
    with ThreadPoolExecutor(8) as pool:
        drawn = [one for many in pool.map(lambda _: [names() for _ in range(500)], range(8)) for one in many]
    assert len(set(drawn)) == 4000
    assert all(len(name) == 32 and int(name, 16) >= 0 for name in drawn)
