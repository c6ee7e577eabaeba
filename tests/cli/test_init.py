"""``gateway init`` and ``gateway check``."""

import json
import os
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from gateway.cli import checks
from gateway.db.store import open_store
from gateway.settings import load
from tests import dovecot
from tests.canaries import canary
from tests.cli.conftest import Result, Run
from tests.databases import damage
from tests.e2e.running import free_port
from tests.nodes import plain


def findings(result: Result) -> dict[str, dict[str, Any]]:
    return {one["what"]: one for one in json.loads(result.out)}


def add(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_init_writes_a_configuration_that_holds_and_names_the_policy_beside_it(run: Run, tmp_path: Path) -> None:
    assert run("init").status == 0
    settings = load(tmp_path / "gateway.toml", {})
    assert settings.gateway.policy == tmp_path / "policy.toml"
    assert (tmp_path / "policy.toml").exists()
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "var" / "secret.key").stat().st_mode) == 0o600


def test_init_writes_where_the_configuration_is_named(run: Run, tmp_path: Path) -> None:
    assert run("--config", tmp_path / "etc" / "desk.toml", "init").status == 0
    settings = load(tmp_path / "etc" / "desk.toml", {})
    assert settings.gateway.policy == tmp_path / "etc" / "policy.toml"
    assert settings.gateway.data_dir == tmp_path / "etc" / "var"


def test_what_init_writes_holds_from_wherever_the_gateway_is_started(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("--config", "etc/desk.toml", "init")
    assert load(Path("etc/desk.toml"), {}).gateway.data_dir.is_absolute()
    here = Path("etc").resolve()
    monkeypatch.chdir("/")
    assert run("--config", here / "desk.toml", "check", "--json").json[2]["level"] == "ok"


def test_init_overwrites_nothing_unless_forced(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("mine", encoding="utf-8")
    result = run("init")
    assert result.status == 1
    assert "policy.toml already there" in result.err
    assert not (tmp_path / "gateway.toml").exists()
    assert (tmp_path / "policy.toml").read_text(encoding="utf-8") == "mine"
    assert run("init", "--force").status == 0


@pytest.mark.incident("CVE-2020-1774")
def test_init_keeps_the_secret_that_is_there(run: Run, tmp_path: Path) -> None:
    run("init")
    secret = (tmp_path / "var" / "secret.key").read_bytes()
    run("init", "--force")
    assert (tmp_path / "var" / "secret.key").read_bytes() == secret


def test_check_passes_after_init_and_points_at_the_sample_addresses(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_SMTP_LISTEN", "127.0.0.1:0")
    run("init")
    result = run("check", "--json")
    assert result.status == 0, result.out
    assert "support@example.com" in findings(result)["addresses"]["says"]
    assert {one["level"] for one in findings(result).values()} <= {"ok", "note"}


def test_check_prints_a_line_and_a_remedy_for_people(configured: Run) -> None:
    out = configured("check").out
    assert "ok   configuration: gateway.toml" in out
    assert "     -> to send it, name smtp://HOST:PORT in outbound.relay" in out


def test_check_fails_for_every_mistake_of_the_configuration(run: Run, tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text("[smtp]\nlisten = 1\nfoo = 2\n", encoding="utf-8")
    result = run("check", "--json")
    assert result.status == 1
    assert [one["level"] for one in json.loads(result.out)] == ["fail"] * 3


@pytest.mark.parametrize(
    ("section", "what", "words"),
    [
        ('[outbound]\nrelay = "smtp://127.0.0.1:1"', "relay", "Connect call failed"),
        ('[smtp]\ntls_certificate = "none.pem"\ntls_key = "none.key"', "TLS", "none.pem"),
        ('[lmtp]\nlisten = "127.0.0.1:{taken}"', "lmtp.listen", "in use"),
    ],
)
def test_check_finds_what_does_not_work(configured: Run, tmp_path: Path, section: str, what: str, words: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        add(tmp_path / "gateway.toml", section.replace("{taken}", str(other.getsockname()[1])))
        result = configured("check", "--json")
    assert result.status == 1
    finding = findings(result)[what]
    assert finding["level"] == "fail"
    assert words in finding["says"]


def test_check_finds_a_broken_policy_a_broken_template_and_a_broken_database(configured: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("nonsense = 1\n", encoding="utf-8")
    (tmp_path / "mails" / "en").mkdir(parents=True)
    (tmp_path / "mails" / "en" / "page.txt.j2").write_text("{{ nonsense }}", encoding="utf-8")
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "gateway.db").write_text("no database at all" * 100, encoding="utf-8")
    path = tmp_path / "gateway.toml"
    text = path.read_text(encoding="utf-8").replace(
        "[[mailbox]]", 'policy = "policy.toml"\ntemplates = "mails"\n[[mailbox]]'
    )
    path.write_text(text, encoding="utf-8")
    result = configured("check", "--json")
    assert result.status == 1
    failed = {what for what, one in findings(result).items() if one["level"] == "fail"}
    assert {"policy", "templates", "database"} <= failed
    assert "page.txt.j2:1" in findings(result)["templates"]["says"]
    assert "restore a backup" in findings(result)["database"]["remedy"]


def test_check_and_status_find_a_damaged_page_and_name_the_remedy(configured: Run, tmp_path: Path) -> None:
    database = tmp_path / "var" / "gateway.db"
    open_store(f"sqlite:///{database}", "test", serve=False).close()
    assert findings(configured("check", "--json"))["database"]["says"] == f"{database} is whole"
    damage(database, "seen")
    found = findings(configured("check", "--json"))["database"]
    assert (found["level"], "damaged" in found["says"], "docs/backup.md" in found["remedy"]) == ("fail", True, True)
    assert configured("status", "--json").json["damage"]
    assert "docs/backup.md" in " ".join(configured("status").out.split())


def test_check_takes_no_longer_for_a_large_database(
    configured: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(f"sqlite:///{tmp_path / 'var' / 'gateway.db'}", "test", serve=False).close()
    monkeypatch.setattr(checks, "quick_check", lambda file, seconds: None)
    found = findings(configured("check", "--json"))["database"]
    assert (found["level"], "in 5 s" in found["says"], "gateway backup" in found["remedy"]) == ("ok", True, True)


def test_check_finds_a_file_where_the_data_folder_should_be(configured: Run, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("", encoding="utf-8")
    assert findings(configured("check", "--json"))["data folder"]["remedy"] == "name a folder"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_check_finds_a_data_folder_that_cannot_be_written(configured: Run, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir(mode=0o500)
    assert findings(configured("check", "--json"))["data folder"]["level"] == "fail"


@pytest.mark.incident("SQLite WAL reset")
@pytest.mark.parametrize(("fixed", "level"), [((0,), "ok"), ((99,), "note")])
def test_check_points_at_a_sqlite_that_two_writers_can_break(
    configured: Run, monkeypatch: pytest.MonkeyPatch, fixed: tuple[int, ...], level: str
) -> None:
    monkeypatch.setattr(checks, "WAL_RESET_FIXED", fixed)
    assert findings(configured("check", "--json"))["SQLite"]["level"] == level


@contextmanager
def relay_of(**options: Any) -> Iterator[int]:
    """A relay that takes mail; its port."""
    relay = Controller(object(), hostname="127.0.0.1", port=free_port(), **options)
    relay.start()
    try:
        yield relay.port
    finally:
        relay.stop()


def test_check_comes_to_a_relay_as_a_mail_would(configured: Run, tmp_path: Path) -> None:
    certificate = trustme.CA().issue_cert("127.0.0.1")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(tls)
    with relay_of(ident="relay.example ready", tls_context=tls) as port:
        add(tmp_path / "gateway.toml", f'[outbound]\nrelay = "smtp://127.0.0.1:{port}"')
        finding = findings(configured("check", "--json"))["relay"]
    assert finding["level"] == "ok"
    assert finding["says"].endswith("relay.example ready, over TLS")


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ('tls = "required"', "STARTTLS"),
        ('tls = "none"\nusername = "desk"\npassword = "x"', "AUTH"),
        ('username = "desk"\npassword = "x"', "STARTTLS"),
    ],
)
def test_check_finds_a_relay_that_takes_no_mail_as_the_settings_want_it(
    configured: Run, tmp_path: Path, section: str, words: str
) -> None:
    with relay_of() as port:
        add(tmp_path / "gateway.toml", f'[outbound]\nrelay = "smtp://127.0.0.1:{port}"\n{section}')
        result = configured("check", "--json")
    assert result.status == 1
    assert findings(result)["relay"]["level"] == "fail"
    assert words in findings(result)["relay"]["says"]


def test_check_finds_a_login_that_a_relay_refuses(configured: Run, tmp_path: Path) -> None:
    refuses = lambda *_: AuthResult(success=False, handled=False)  # noqa: E731
    with relay_of(authenticator=refuses, auth_require_tls=False) as port:
        section = f'relay = "smtp://127.0.0.1:{port}"\ntls = "none"\nusername = "desk"\npassword = "{canary("relay")}"'
        add(tmp_path / "gateway.toml", f"[outbound]\n{section}")
        result = configured("check", "--json")
    assert findings(result)["relay"]["level"] == "fail"
    assert "535" in findings(result)["relay"]["says"]
    assert canary("relay") not in result.out


@pytest.mark.peer
@pytest.mark.skipif(not dovecot.USABLE, reason="needs root and Dovecot: apt install dovecot-imapd")
def test_check_looks_into_an_imap_folder_and_changes_nothing(
    configured: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = '[[imap]]\nserver = "{server}"\ntls = "none"\nusername = "{username}"\npassword = "{password}"\n'
    with dovecot.dovecot() as server:
        server.put(plain(1), plain(2))
        server.put(plain(3), flags=[rb"\Seen"])
        add(tmp_path / "gateway.toml", section.format(**server.settings()))
        says = findings(configured("check", "--json"))["imap"]
        assert says["level"] == "ok"
        assert "INBOX: 3 mails, 2 of them unread; at the first contact 2 are fetched" in says["says"]
        monkeypatch.setattr(checks, "MANY_MAILS", 1)
        assert 'begin = "new"' in findings(configured("check", "--json"))["imap"]["remedy"]
        assert [b"\\Seen" in flags for flags in server.flags().values()] == [False, False, True]
        add(tmp_path / "gateway.toml", 'folder = "Nowhere"\n')
        (failed,) = [one for one in json.loads(configured("check", "--json").out) if one["what"] == "imap"]
        assert failed["level"] == "fail"
        assert "exist" in failed["says"]


def test_check_tells_of_an_imap_server_that_is_not_there(configured: Run, tmp_path: Path) -> None:
    add(tmp_path / "gateway.toml", '[[imap]]\nserver = "imap://127.0.0.1:1"\nusername = "kim"\npassword = "x"\n')
    failed = findings(configured("check", "--json"))["imap"]
    assert failed["level"] == "fail"
    assert "refused" in failed["says"]


def test_check_tells_the_rest_where_something_belongs_to_somebody_else(
    configured: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_: object) -> NoReturn:
        raise PermissionError(13, "Permission denied", "var/gateway.db.lock")

    monkeypatch.setattr(checks, "EVERYWHERE", (refuses, checks.policy))
    found = findings(configured("check", "--json"))
    assert found["refuses"]["says"] == "var/gateway.db.lock: Permission denied"
    assert found["policy"]["level"] == "ok"


def test_check_tells_of_a_mailbox_in_a_language_without_templates(configured: Run, tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('name = "support"', 'name = "support"\nlanguage = "fr"'))
    notes = [one for one in json.loads(configured("check", "--json").out) if one["what"] == "templates"]
    assert "there are none in 'fr'" in notes[-1]["says"]
