"""Options that commands of the console share, and the settings that they ask for."""

from pathlib import Path
from typing import Annotated, Any

import typer

from personalake.config import Settings
from personalake.pipelines.command import settings_of

Env = Annotated[str, typer.Option("--env", help="Environment in conf/environments/.", envvar="PERSONALAKE_ENV")]
DemoEnv = Annotated[str, typer.Option("--env", help="Environment in conf/environments/.")]
ConfDir = Annotated[Path, typer.Option("--conf-dir", help="Configuration folder.")]
Root = Annotated[str | None, typer.Option("--root", help="Folder of another lake, its exports and report.")]
Region = Annotated[str | None, typer.Option("--region", help="Region that is meant.", envvar="PERSONALAKE_REGION")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Exclusive day up to which things are known, or 'latest'.")]
Sets = Annotated[list[str] | None, typer.Option("--set", help="Override one setting, KEY=VALUE; repeatable.")]


def settings_for(
    env: str, conf_dir: Path, root: str | None, as_of: str | None, sets: list[str] | None, **more: Any
) -> Settings:
    """The settings that the common options ask for."""
    return settings_of({"env": env, "conf_dir": conf_dir, "root": root, "as_of": as_of, "set": sets or [], **more})


def settings_to_look(env: str, conf_dir: Path, root: str | None, as_of: str | None, region: str | None) -> Settings:
    """The same for who looks at the lake, and need not have what connections and sources are opened with."""
    asked = {"env": env, "conf_dir": conf_dir, "root": root, "as_of": as_of, "set": [], "region": region}
    return settings_of(asked, needs_secrets=False)
