"""The settings: what is read from where, and how mistakes are told."""

from pathlib import Path

import pytest

from gateway.db.engine import sqlite_file
from gateway.errors import ConfigurationError
from gateway.settings import load, parse

MAILBOX = '[[mailbox]]\nname = "support"\naddresses = ["help@corp.example"]\n'


def mistakes(text: str, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        parse(text, "gateway.toml", environment or {})
    return caught.value.mistakes


def test_a_mailbox_is_all_that_a_configuration_needs() -> None:
    settings = parse(MAILBOX, "gateway.toml", {})
    assert settings.mailbox[0].address == "help@corp.example"
    assert settings.hostname == "corp.example"
    assert settings.database_url == "sqlite:///var/gateway.db"


@pytest.mark.parametrize("name", ["100%41", "what?", "Ünï söme", "a#b@c:d[1]"])
def test_the_database_lies_in_the_data_folder_whatever_that_is_called(tmp_path: Path, name: str) -> None:
    settings = parse(f'{MAILBOX}[gateway]\ndata_dir = "{tmp_path / name}"\n', "gateway.toml", {})
    assert sqlite_file(settings.database_url) == tmp_path / name / "gateway.db"


def test_a_configuration_saved_on_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(MAILBOX, encoding="utf-8-sig")
    assert load(tmp_path / "gateway.toml", {}).mailbox[0].name == "support"


def test_the_domain_of_an_address_is_folded_to_lower_case_and_the_local_part_is_not() -> None:
    settings = parse(MAILBOX.replace("help@corp.example", "Help@CORP.example"), "gateway.toml", {})
    assert settings.mailbox[0].address == "Help@corp.example"
    assert settings.by_address["help@corp.example"].name == "support"


def test_a_domain_of_ours_beyond_ascii_is_written_as_dns_has_it_and_known_in_both_spellings() -> None:
    settings = parse(MAILBOX.replace("corp.example", "Straße.example"), "gateway.toml", {})
    assert settings.mailbox[0].address == "help@xn--strae-oqa.example"
    assert set(settings.by_address) == {"help@xn--strae-oqa.example", "help@straße.example"}
    assert settings.hostname == "xn--strae-oqa.example"


@pytest.mark.parametrize("outbound", ["", "[outbound]\ntls = 'none'\n"])
def test_the_maildir_of_outgoing_mail_lies_in_the_data_folder_unless_said_otherwise(outbound: str) -> None:
    settings = parse(f'[gateway]\ndata_dir = "/srv/desk"\n{outbound}{MAILBOX}', "gateway.toml", {})
    assert settings.outbound.relays == ("maildir:/srv/desk/outbox",)


def test_one_text_may_stand_for_a_list_of_one() -> None:
    settings = parse('[outbound]\nrelay = "smtp://127.0.0.1:25"\n' + MAILBOX, "gateway.toml", {})
    assert settings.outbound.relays == ("smtp://127.0.0.1:25",)


def test_a_variable_wins_over_the_file() -> None:
    variables = {"GATEWAY_SMTP_MAX_ERRORS": "3", "GATEWAY_LOG_LEVEL": "debug", "GATEWAY_ONCALL_NOTIFY": ""}
    settings = parse("[smtp]\nmax_errors = 9\n" + MAILBOX, "gateway.toml", variables)
    assert (settings.smtp.max_errors, settings.gateway.log_level, settings.oncall.notify) == (3, "debug", ())


def test_a_variable_may_hold_a_list() -> None:
    settings = parse(MAILBOX, "gateway.toml", {"GATEWAY_OUTBOUND_RETRY_MINUTES": "[1, 2]"})
    assert settings.outbound.retry_minutes == (1, 2)


def test_a_mistake_in_a_variable_names_the_variable() -> None:
    assert mistakes(MAILBOX, {"GATEWAY_OUTBOUND_RELAY": "nonsense", "GATEWAY_TYPO": "1"}) == [
        "environment: GATEWAY_TYPO names no setting; unset it, or see the commented configuration for the names",
        "environment: GATEWAY_OUTBOUND_RELAY: 'nonsense' is no relay; use maildir:FOLDER, smtp://HOST:PORT or "
        "smtps://USER@HOST:PORT",
    ]


def test_all_mistakes_are_told_at_once_and_each_once() -> None:
    told = mistakes(
        '[outbound]\nrelay = ["maildir:a", "nonsense"]\n'
        '[[mailbox]]\nname = ""\naddresses = ["nobody"]\nlangauge = "de"\n'
    )
    assert [line.split(":", 2)[1].strip() for line in told] == [
        "outbound.relay[2]",
        "mailbox[1].name",
        "mailbox[1].addresses[1]",
        "mailbox[1].langauge",
    ]
    assert told[3] == "gateway.toml: mailbox[1].langauge: there is no such setting; did you mean language?"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "mailbox: is missing; add a section [[mailbox]] with name and addresses"),
        (
            '[mailbox]\nname = "x"',
            "mailbox: is a single section; write [[mailbox]] with two brackets, for there may be several",
        ),
        (MAILBOX + "[smtp]\nmax_errors = 0", "smtp.max_errors: 0 is too small; it must be more than 0"),
        (MAILBOX + "[smtp]\nmax_errors = 'many'", "smtp.max_errors: 'many' is no whole number; write it as 10"),
        (MAILBOX + "[smtp]\ncommand_seconds = inf", "smtp.command_seconds: inf is no number; write it as 2.5"),
        (MAILBOX + "[smtp]\nmax_errors = true", "smtp.max_errors: true is no number; write it as 10"),
        (MAILBOX + "[smtp]\nlisten = 25", "smtp.listen: 25 is no text; put it in quotes"),
        (MAILBOX + "[smtp]\nlisten = ':25'", "smtp.listen: ':25' is no HOST:PORT; write it as 127.0.0.1:8025"),
        (MAILBOX + "[retention]\nraw_days = -1", "retention.raw_days: -1 is too small; the least is 0"),
        (MAILBOX + "[retention]\nraw_days = 9999999", "retention.raw_days: 9999999 is too big; the most is 36500"),
        (
            MAILBOX + "[outbound]\nretry_minutes = [1, 9999999999]",
            "outbound.retry_minutes[2]: 9999999999 is too big; the most is 525600",
        ),
        (
            MAILBOX + "[metrics]\nlisten = '127.0.0.1:8025'",
            "metrics.listen: 127.0.0.1:8025 is that of smtp.listen already; give each a port of its own",
        ),
        (MAILBOX + "[oncall]\nnotify = 3", "oncall.notify: 3 is no list; write it in brackets: [...]"),
        (MAILBOX + "[outbound]\nrelay = []", "outbound.relay: is empty; fill it in"),
        (
            MAILBOX + "[outbound]\nrelay = 'smtp://mx.corp.example:99999'",
            "outbound.relay[1]: 'smtp://mx.corp.example:99999' is no relay; use maildir:FOLDER, smtp://HOST:PORT or "
            "smtps://USER@HOST:PORT",
        ),
        (
            MAILBOX + "[oncall]\nnotify = 'https://hooks.corp.example:x'",
            "oncall.notify[1]: 'https://hooks.corp.example:x' is no target; use mailto:ADDRESS or https://...",
        ),
        (
            MAILBOX + "[gateway]\ndatabase = 'mysql://x'",
            "gateway.database: 'mysql://x' is no database; use sqlite:///FILE or postgresql://USER@HOST/NAME",
        ),
        (
            MAILBOX + "[gateway]\ndatabase = 'postgresql://desk:secret@db:port/desk'",
            "gateway.database: its port is no number; use postgresql://USER@HOST:PORT/NAME",
        ),
        (
            MAILBOX + "[gateway]\nhostname = 'mail desk'",
            "gateway.hostname: 'mail desk' is no host name; write it as mail.example.com",
        ),
        (
            MAILBOX.replace("help@", "customer-support-europe-team@"),
            "mailbox[1].addresses: 'customer-support-europe-team@corp.example' has 28 octets before the @, and its "
            "reply addresses 68 of the 64 that servers take; put an address with at most 24 in front of it",
        ),
        (
            MAILBOX.replace("corp.example", "-bücher.example"),
            "mailbox[1].addresses[1]: 'help@-bücher.example' has a domain that cannot be: Label must not start or end "
            "with a hyphen",
        ),
        (
            MAILBOX + "[outbound]\ntls = 'always'",
            "outbound.tls: 'always' is not known; use one of 'opportunistic', 'required' or 'none'",
        ),
        ("smtp = 4\n" + MAILBOX, "smtp: 4 is no section; write [smtp] and its settings below"),
        ("[smpt]\n" + MAILBOX, "smpt: there is no such setting; did you mean smtp?"),
        (
            MAILBOX + "[lmtp]\nlisten = '127.0.0.1:24'\nhost = 'x'",
            "lmtp.host: there is no such setting; known here: listen",
        ),
        (
            MAILBOX + 'language = "German"',
            "mailbox[1].language: 'German' is no language; use its two small letters, such as en or de",
        ),
        (
            MAILBOX + "[smtp]\ntls_key = 'key.pem'",
            "smtp.tls_certificate: needs smtp.tls_key beside it, and the other way round; name both",
        ),
    ],
)
def test_a_mistake_says_where_what_and_how_to_mend_it(text: str, line: str) -> None:
    assert mistakes(text) == [f"gateway.toml: {line}"]


@pytest.mark.incident("CVE-2018-1000089")
def test_a_mistake_never_shows_a_password() -> None:
    assert mistakes(MAILBOX + "[outbound]\npassword = 271828") == [
        "gateway.toml: outbound.password: what stands there is no text; put it in quotes"
    ]


@pytest.mark.parametrize(
    "relay", ["smtp://desk:{}@mx.x:25", "smtps://:{}@mx.x", "smtp://desk:{}/x@mx.x", "smpt://{}@mx.x"]
)
@pytest.mark.parametrize("password", ["271828", "2718#28", "27@1828", "2718?28"])
def test_a_password_in_a_relays_address_is_refused_and_not_shown(relay: str, password: str) -> None:
    (line,) = mistakes(MAILBOX, {"GATEWAY_OUTBOUND_RELAY": relay.format(password)})
    assert "2718" not in line
    assert "1828" not in line


def test_a_password_in_a_relays_address_is_told_where_it_belongs() -> None:
    assert mistakes(MAILBOX + "[outbound]\nrelay = 'smtp://desk:271828@mx.corp.example:587'") == [
        "gateway.toml: outbound.relay[1]: '...@mx.corp.example:587' holds a password; write it into password_file or "
        "password, beside relay"
    ]


def test_a_database_that_is_none_is_told_without_its_password() -> None:
    (line,) = mistakes(MAILBOX + "[gateway]\ndatabase = 'postgres://desk:271828@db.corp.example/desk'")
    assert "'...@db.corp.example/desk' is no database" in line
    assert "271828" not in line


def test_agents_must_not_be_mailboxes_and_must_know_theirs() -> None:
    agent = '[[agent]]\nname = "Ann"\naddress = "HELP@corp.example"\nmailboxes = ["sales"]\n'
    assert mistakes(MAILBOX + agent) == [
        "gateway.toml: agent.address: HELP@corp.example is a mailbox's own address; give the agent's personal one",
        "gateway.toml: agent.mailboxes: Ann names the unknown mailbox 'sales'; known are support",
    ]


@pytest.mark.parametrize("address", ["help@corp.example", "Help+pager@CORP.example", " help@corp.example "])
def test_neither_an_agent_nor_the_on_call_may_be_reached_at_a_mailbox_itself(address: str) -> None:
    agent = f'[[agent]]\nname = "Ann"\naddress = "{address}"\n'
    oncall = f'[oncall]\nnotify = ["https://hooks.corp.example", "mailto:{address}"]\n'
    assert mistakes(MAILBOX + agent + oncall) == [
        f"gateway.toml: agent.address: {address} is a mailbox's own address; give the agent's personal one",
        f"gateway.toml: oncall.notify: mailto:{address} is a mailbox's own address; give one that wakes somebody",
    ]


def test_an_address_with_spaces_around_it_stands_twice_all_the_same() -> None:
    (mistake,) = mistakes(f'{MAILBOX}[[mailbox]]\nname = "sales"\nprefix = "S"\naddresses = " help@corp.example"\n')
    assert "mailbox.addresses: 'help@corp.example' stands twice" in mistake


def test_what_settings_say_of_each_other_is_told_beside_what_is_wrong_with_one() -> None:
    agent = '[[agent]]\naddress = "help@corp.example"\nmailboxes = "sales"\n'
    told = mistakes(f'[smtp]\nlisten = "25"\ntls_key = "key.pem"\n{MAILBOX}{agent}')
    assert [line.split(":", 2)[1].strip() for line in told] == [
        "smtp.listen", "agent[1].name", "agent.address", "agent.mailboxes", "smtp.tls_certificate",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["agent = 3", "[[mailbox]]\nname = 1\naddresses = 2\n[[agent]]\nmailboxes = 'x'"])
def test_what_is_no_section_or_has_no_name_agrees_with_everything(text: str) -> None:
    assert not [line for line in mistakes(text) if "unknown mailbox" in line]


def test_what_must_be_unique_may_not_stand_twice() -> None:
    assert len(mistakes(MAILBOX + MAILBOX)) == 3


def test_a_password_file_wins_over_a_password_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file\n", encoding="utf-8")
    settings = parse(
        f'[outbound]\npassword = "inline"\npassword_file = "{tmp_path}/secret"\n{MAILBOX}', "gateway.toml", {}
    )
    assert settings.outbound.password == "from the file"
    assert "from the file" not in repr(settings)


def test_a_password_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    agent = f'[[agent]]\nname = "Ann"\naddress = "ann@corp.example"\npassword_file = "{tmp_path}/none"\n'
    (line,) = mistakes(MAILBOX + agent)
    assert line.startswith(f"gateway.toml: agent[1].password_file: {tmp_path}/none cannot be read")


def test_a_configuration_that_is_not_there_points_to_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="make one with: gateway init"):
        load(tmp_path / "gateway.toml", {})


def test_a_configuration_that_is_no_toml_or_no_text_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_bytes(b"name = \xff")
    with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
        load(path, {})
    path.write_text("[[", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="is not TOML"):
        load(path, {})


IMAP = '[[imap]]\nserver = "imaps://imap.corp.example"\nusername = "help@corp.example"\npassword = "x"\n'


def test_an_imap_folder_is_known_by_account_host_and_folder_whatever_its_port() -> None:
    one = parse(MAILBOX + IMAP, "gateway.toml", {}).imap[0]
    other = parse(MAILBOX + IMAP.replace('example"', 'example:1993"', 1), "gateway.toml", {}).imap[0]
    assert one.name == other.name == "help@corp.example at imap.corp.example, INBOX"


@pytest.mark.incident("CVE-2025-15366")
@pytest.mark.parametrize("line", ['folder = "INBOX\\r\\nA DELETE INBOX"', 'afterwards = "move:x\\ny"', 'folder = ""'])
def test_no_name_of_a_folder_ends_an_imap_command(line: str) -> None:
    (mistake,) = mistakes(f"{MAILBOX}{IMAP}{line}\n")
    assert "; " in mistake


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('server = "imap.corp.example"', "no IMAP server; use imaps://HOST"),
        ('server = "imaps://kim@imap.corp.example"', "no IMAP server"),
        ('afterwards = "archive"', "use seen, delete or move:FOLDER"),
        ('begin = "yesterday"', "use one of 'unseen', 'all' or 'new'"),
        ("poll_seconds = 1501", "the most is 1500"),
        ('mailbox = "sales"', "unknown mailbox; known are support"),
        ('password_file = "nowhere"', "imap[1].password_file: nowhere cannot be read"),
    ],
)
def test_a_mistake_in_an_imap_section_is_told(line: str, told: str) -> None:
    kept = [old for old in IMAP.splitlines() if old.split()[0] != line.split()[0]]
    (mistake,) = mistakes("\n".join([MAILBOX, *kept, line]))
    assert told in mistake


def test_a_folder_is_fetched_from_once() -> None:
    (mistake,) = mistakes(MAILBOX + IMAP + IMAP.replace("imaps://imap.corp.example", "imap://IMAP.corp.example:143"))
    assert "imap.folder: 'INBOX of help@corp.example at imap.corp.example' stands twice" in mistake


def test_a_login_by_token_needs_to_know_who_gives_tokens() -> None:
    assert mistakes(f'[outbound]\nlogin = "oauth"\n{MAILBOX}{IMAP}login = "oauth"\n') == [
        "gateway.toml: outbound.login: oauth needs a section [oauth] with token_url and client_id",
        "gateway.toml: imap.login: oauth needs a section [oauth] with token_url and client_id",
    ]


def test_secrets_of_tokens_come_from_files_and_never_stand_in_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hidden\n", encoding="utf-8")
    oauth = f'[oauth]\ntoken_url = "https://id.example/token"\nclient_id = "desk"\n{MAILBOX}'
    named = oauth.replace("[[mail", f'client_secret_file = "{tmp_path / "secret"}"\n[[mail')
    settings = parse(named, "gateway.toml", {}).oauth
    assert settings is not None
    assert settings.client_secret == "hidden"
    assert "hidden" not in repr(settings)
    (mistake,) = mistakes(oauth.replace("[[mail", "refresh_token = [7]\n[[mail"))
    assert "what stands there is no text" in mistake
    (mistake,) = mistakes(oauth.replace("https:", "http:"))
    assert "no address for tokens; use https://" in mistake
