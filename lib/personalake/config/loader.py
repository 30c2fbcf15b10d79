"""Reads conf/: base, environment, environment variables, command line, in that order; reports every problem at once."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from personalake.config.audience_checks import audience_problems
from personalake.config.conf_files import unread_files
from personalake.config.connections.signing import unfit_keys
from personalake.config.drop_places import drop_problems
from personalake.config.lawful import lawful_problems, misspelt_purposes
from personalake.config.name_checks import name_problems
from personalake.config.nearest import nearest
from personalake.config.outputs import follow
from personalake.config.place_names import expand, unknown_places
from personalake.config.regions import PLACED_BY, forbidden, place, shared_folders
from personalake.config.secrets import unset_secrets
from personalake.config.settings import Settings
from personalake.config.source_checks import source_set_problems
from personalake.config.trespasses import trespasses
from personalake.config.validation_words import told
from personalake.config.yaml_files import read_mapping, read_value, without_echoes
from personalake.errors import ConfigError

_SECTION_FILES = {
    "rules": "decisions",
    "segments": "segments",
    "identity": "identity",
    "privacy": "privacy",
    "profiles": "profiles",
    "quality": "quality",
    "models": "models",
    "recommender": "recommender",
    "destinations": "destinations",
    "connections": "connections",
    "audiences": "audiences",
}
_VARIABLE, _COMMAND_LINE = "environment variable", "command line"
_PREFIX = "PERSONALAKE_"
_PLAIN = "write it plainly, e.g. 2017-12-01 for a day, and in quotes if it begins with a sign such as [ { * & ! % @"
_NOT_SETTINGS = ("PERSONALAKE_JARS", "PERSONALAKE_ENV", "PERSONALAKE_CONF_DIR")
_SECRETS = "PERSONALAKE_SECRET_"

Origins = dict[tuple[str, ...], str]
SourceCheck = Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]


def load_settings(
    env: str = "local",
    conf_dir: Path = Path("conf"),
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    check_source: SourceCheck | None = None,
    needs_secrets: bool = True,
) -> Settings:
    """The settings of one environment.

    Args:
        env: Name of a file in `conf/environments/`.
        conf_dir: The configuration folder.
        overrides: Dotted key to value, from the command line; they win over everything else.
        environ: Environment variables; `PERSONALAKE_SPARK__DRIVER_MEMORY` sets `spark.driver_memory`. `PERSONALAKE_REGION`,
            or the override `region`, names a region, whose own files in `conf/regions/` count, too.
        check_source: What else an enabled source's keys and values must satisfy; yields keys and what is wrong with them.
        needs_secrets: Whether all secrets have to be set; who only looks needs none, or is told at the first that is used.

    Raises:
        ConfigError: With every unknown key, wrong type, unreadable file and unset secret, each with file and key.
    """
    environ, problems = os.environ if environ is None else environ, list[str]()
    merged: dict[str, Any] = {"environment": env}
    origins, configured = Origins(), None
    region = str((overrides or {}).get("region") or environ.get("PERSONALAKE_REGION") or "") or None
    for layer, origin in _layers(env, conf_dir, overrides or {}, environ, problems, region):
        if "environment" in layer:
            problems.append(f"{origin}: environment: is what --env says, since much follows from it; leave it out")
        _merge(merged, layer, origin, origins)
        if not _is_of_run(origin):
            configured = merged.get("root", _PLACES["root"])
    follow(merged, configured, {key for key, origin in origins.items() if _is_of_run(origin)})
    own = _own_places(origins, conf_dir)
    problems.extend(place(merged, region, own))
    shared = list(shared_folders(merged, own))
    named = {key: str(merged.get(key, default)) for key, default in _PLACES.items()} | {"region": region or ""}
    expand(merged, named)
    problems.extend(f"{_origin(key, origins)}: {'.'.join(key)}: {text}" for key, text in unknown_places(merged, named))
    settings = None
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        for key, text in told(error, merged, Settings):
            problems.append(": ".join(part for part in (_origin(key, origins), ".".join(key), text) if part))
        problems.extend(f"{_origin(key, origins)}: {'.'.join(key)}: {text}" for key, text in misspelt_purposes(merged))
    if check_source is not None:
        problems.extend(_of_sources(merged, check_source, origins))
    if settings is not None:
        unfit = audience_problems(settings.audiences, settings.connections, settings.destinations, settings.templates)
        found = (*lawful_problems(settings), *unfit, *name_problems(settings), *source_set_problems(settings.sources),
                 *drop_problems(settings), *unfit_keys(settings.connections, environ))  # fmt: skip
        problems.extend(f"{_origin(key, origins)}: {'.'.join(key)}: {text}" for key, text in found)
        if not problems:  # else the region itself may be wrong, from which places follow
            led = dict(shared) | dict(trespasses(settings))
            problems.extend(f"{_origin(key, origins)}: {'.'.join(key)}: {text}" for key, text in led.items())
    problems.extend(unset_secrets(merged, environ, lambda key: _origin(key, origins)) if needs_secrets else ())
    if problems or settings is None:
        raise ConfigError(without_echoes(problems))
    return settings


_PLACES = {"root": "lakehouse", "landing": "landing", "exports": "exports"}


def _layers(
    env: str,
    conf_dir: Path,
    overrides: Mapping[str, Any],
    environ: Mapping[str, str],
    problems: list[str],
    region: str | None,
) -> Iterator[tuple[dict[str, Any], str]]:
    if not conf_dir.is_dir():
        problems.append(f"{conf_dir}: no such folder; pass --conf-dir or run from the project's root")
        return
    problems.extend(unread_files(conf_dir, _SECTION_FILES))
    yield read_mapping(conf_dir / "base.yml", problems), str(conf_dir / "base.yml")
    yield from _sections(conf_dir, problems)
    environment = conf_dir / "environments" / f"{env}.yml"
    if environment.exists():
        yield read_mapping(environment, problems), str(environment)
    else:
        known = sorted(path.stem for path in environment.parent.glob("*.yml"))
        problems.append(f"{environment}: no such environment; {nearest(env, known)}")
    if region and region.isalnum():
        yield from _of_region(conf_dir / "regions" / region, problems)
    for name, value in sorted(environ.items()):
        if name.startswith(_PREFIX) and name not in _NOT_SETTINGS and not name.startswith(_SECRETS):
            keys = name.removeprefix(_PREFIX).lower().split("__")
            try:
                yield _nested(keys, read_value(value)), f"{_VARIABLE} {name}"
            except ValueError as error:
                problems.append(f"{_VARIABLE} {name}: not a value of YAML ({error}); {_PLAIN}")
    for key, value in overrides.items():
        yield _nested(key.split("."), value), _COMMAND_LINE


def _is_of_run(origin: str) -> bool:
    """Whether something was said for one run, by a variable or an option, and not in a file."""
    return origin == _COMMAND_LINE or origin.startswith(_VARIABLE)


def _sections(folder: Path, problems: list[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """The files beside base.yml, one for each section, and one for each source and template."""
    for stem, key in _SECTION_FILES.items():
        path = folder / f"{stem}.yml"
        if path.exists():
            yield {key: read_mapping(path, problems)}, str(path)
    for kind in ("sources", "templates"):
        for path in sorted((folder / kind).glob("*.yml")):
            yield {kind: {path.stem: read_mapping(path, problems)}}, str(path)


def _of_region(folder: Path, problems: list[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """A region's own files: `region.yml` for anything, and the same files as in `conf/`."""
    path = folder / "region.yml"
    if path.exists():
        layer = read_mapping(path, problems)
        problems.extend(
            f"{path}: {key}: not a region's own to set; its places follow from its name" for key in forbidden(layer)
        )
        yield layer, str(path)
    yield from _sections(folder, problems)


def _own_places(origins: Origins, conf_dir: Path) -> set[str]:
    """Sources and connections of which a region's own file says where they lie, as `sources.crm`."""
    own = str(conf_dir / "regions")
    return {
        f"{key[0]}.{key[1]}"
        for key, origin in origins.items()
        if len(key) > 2 and key[2] in PLACED_BY.get(key[0], ()) and origin.startswith(own)
    }


def _nested(keys: list[str], value: Any) -> dict[str, Any]:
    for key in reversed(keys):
        value = {key: value}
    return dict(value)


def _merge(
    target: dict[str, Any], layer: Mapping[str, Any], origin: str, origins: Origins, at: tuple[str, ...] = ()
) -> None:
    for key, value in layer.items():
        place = (*at, str(key))
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value, origin, origins, place)
            continue
        target[key] = {} if isinstance(value, dict) else value
        origins[place] = origin
        if isinstance(value, dict):
            _merge(target[key], value, origin, origins, place)


def _origin(key: tuple[str, ...], origins: Origins) -> str:
    for length in range(len(key), 0, -1):
        if key[:length] in origins:
            return origins[key[:length]]
    return "conf"


def _of_sources(merged: Mapping[str, Any], check: SourceCheck, origins: Origins) -> Iterator[str]:
    sources = merged.get("sources")
    for name, raw in sorted(sources.items()) if isinstance(sources, dict) else ():
        if not isinstance(raw, dict) or raw.get("enabled") is False:
            continue
        for key, text in check(raw):
            place = ("sources", name, *key.split("."))
            yield f"{_origin(place, origins)}: {'.'.join(place)}: {text}"
