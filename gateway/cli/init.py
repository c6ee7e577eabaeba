"""``gateway init``: a configuration to start from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.console import out, text
from gateway.cli.context import config_path, default_text
from gateway.errors import Permanent


def init(
    context: typer.Context,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a configuration that is there.")] = False,
) -> None:
    """Write the commented configuration and policy, and make the data folder and the secret."""
    from gateway.keyfile import load_or_make
    from gateway.pipeline import secret_file
    from gateway.settings import load

    config = config_path(context)
    policy = config.with_name("policy.toml")
    contents = {config: _configuration(config.parent.resolve()), policy: default_text("policy.toml")}
    present = [str(path) for path in contents if path.exists()]
    if present and not force:
        raise Permanent("", f"{' and '.join(present)} already there: nothing was written. To overwrite: --force")
    try:
        for path, content in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        settings = load(config)
        settings.gateway.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        load_or_make(secret_file(settings))
    except OSError as problem:
        raise Permanent("", f"{problem.filename}: {problem.strerror}; choose another folder with --config") from None
    _next_steps(config, policy, settings.gateway.data_dir, secret_file(settings))


def _configuration(folder: Path) -> str:
    """The embedded configuration, made to name policy and data beside it, from wherever the gateway is started."""
    text = default_text("gateway.toml")
    for key, name in (("data_dir", "var"), ("policy", "policy.toml")):
        text = text.replace(f'# {key} = "{name}"', f"{key} = {json.dumps(str(folder / name))}")
    return text


def _next_steps(config: Path, policy: Path, data: Path, secret: Path) -> None:
    for path, what in (
        (config, "every setting, with its default"),
        (policy, "severities, categories, hours, and whom they page"),
        (data, "database, raw mails, outgoing mail"),
        (secret, "signs reply addresses; back it up"),
    ):
        out.print(text(f"{path}  "), text(what, "dim"))
    out.print(f"\nNow put your own addresses into {config.name} (example.com stands in three places), then:")
    out.print("  gateway check\n  gateway serve", style="bold")
