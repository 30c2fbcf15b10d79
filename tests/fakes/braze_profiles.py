"""How Braze finds and merges profiles."""

import re
from collections.abc import Mapping
from typing import Any

PRIMARY = ("external_id", "user_alias", "braze_id")
_NOT_ATTRIBUTES = frozenset({"_update_existing_only", "_merge_objects", "push_token_import", "app_id", *PRIMARY})
_LONGEST = 255
_ON_OBJECTS = frozenset({"$add", "$remove", "$update"})
# Days and times within objects; years beyond 3000 are not kept.
_TIME = re.compile(r"([0-2]\d{3}|3000)-\d{2}-\d{2}|\d{2}/\d{2}/([0-2]\d{3}|3000)$")


class Profiles:
    """Profiles by their internal id, and the ways to find them."""

    def __init__(self, max_array: int = 500) -> None:
        self.by_id: dict[str, dict[str, Any]] = {}
        self._found: dict[tuple[str, str], str] = {}
        self._count = 0
        self.max_array = max_array

    def find(self, item: Mapping[str, Any]) -> str | None:
        """The profile that an object means: a primary identifier, else e-mail, else phone."""
        key = key_of(item)
        if key is None:
            return None
        return (key[1] if key[1] in self.by_id else None) if key[0] == "braze_id" else self._found.get(key)

    def get_or_make(self, item: Mapping[str, Any]) -> str | None:
        """The profile that an object means, made if it may be; null if Braze would pass over the object in silence."""
        found = self.find(item)
        if found is not None:
            return found
        # With an alias, only what exists is updated unless the object says otherwise; an unknown braze_id makes nothing.
        existing_only = item.get("_update_existing_only", "user_alias" in item and "external_id" not in item)
        key = key_of(item)
        if existing_only or key is None or key[0] == "braze_id":
            return None
        self._count += 1
        number = f"braze-{self._count}"
        self.by_id[number] = {"braze_id": number}
        self._found[key] = number
        if key[0] == "user_alias":
            self.by_id[number]["user_alias"] = item["user_alias"]
        else:
            self.by_id[number][key[0]] = key[1]
        return number

    def update(self, number: str, item: Mapping[str, Any]) -> int:
        """Merge attributes into a profile: null removes, objects with inc, add and remove act on what is there.

        Returns:
            How many keys were written, which is what Braze bills: of an object each, of a state of subscription none.
        """
        profile = self.by_id[number]
        merge = bool(item.get("_merge_objects"))
        written = 0
        for key, value in item.items():
            if key in _NOT_ATTRIBUTES or (isinstance(value, dict | list) and _is_dropped(value)):
                continue
            written += _keys(key, value)
            if key in ("email", "phone"):
                self._move(number, key, profile.get(key), value)
            merged = self._merged(profile.get(key), value, merge)
            if merged is None:
                profile.pop(key, None)
            else:
                profile[key] = merged
        return written

    def delete(self, number: str) -> None:
        """Forget a profile and the ways to it."""
        self.by_id.pop(number, None)
        self._found = {key: found for key, found in self._found.items() if found != number}

    def _move(self, number: str, key: str, old: Any, new: Any) -> None:
        if old is not None and self._found.get((key, str(old).lower())) == number:
            del self._found[key, str(old).lower()]
        if new is not None:
            # Of several profiles with one address, the one that was updated last is found.
            self._found[key, str(new).lower()] = number

    def _merged(self, old: Any, new: Any, merge: bool) -> Any:
        if isinstance(new, dict):
            if set(new) == {"inc"}:
                return (old if isinstance(old, int) else 0) + new["inc"]
            if new and set(new) <= {"add", "remove"}:
                return self._array(old, new)
            if new and set(new) <= _ON_OBJECTS:
                return self._objects(old, new, merge)
            if merge and isinstance(old, dict):
                return {**old, **{key: self._merged(old.get(key), value, True) for key, value in new.items()}}
            return new
        if isinstance(new, list):
            return _unique(new)[: self.max_array] if all(isinstance(part, str) for part in new) else new[: self.max_array]
        return new[:_LONGEST] if isinstance(new, str) else new

    def _array(self, old: Any, change: dict[str, Any]) -> list[Any]:
        kept = [part for part in (old if isinstance(old, list) else []) if part not in change.get("remove", [])]
        # What is added again moves to the end.
        added = change.get("add", [])
        return _unique([part for part in kept if part not in added] + list(added))[: self.max_array]

    def _objects(self, old: Any, change: dict[str, Any], merge: bool) -> list[Any]:
        """A list of objects, changed in the order in which Braze does it; without merging, an object is replaced."""
        found = [*(old if isinstance(old, list) else []), *change.get("$add", [])]
        gone = [(one["$identifier_key"], one["$identifier_value"]) for one in change.get("$remove", [])]
        found = [one for one in found if not any(one.get(key) == value for key, value in gone)]
        for one in change.get("$update", []):
            key, value, new = (one[name] for name in ("$identifier_key", "$identifier_value", "$new_object"))
            found = [self._merged(it, new, merge) if it.get(key) == value else it for it in found]
        return found


def key_of(item: Mapping[str, Any]) -> tuple[str, str] | None:
    """The identifier that counts: a primary one, else e-mail before phone."""
    if item.get("external_id"):
        return "external_id", item["external_id"]
    if item.get("user_alias"):
        alias = item["user_alias"]
        return "user_alias", f"{alias['alias_label']}\x00{alias['alias_name']}"
    if item.get("braze_id"):
        return "braze_id", item["braze_id"]
    for key in ("email", "phone"):
        if item.get(key):
            return key, str(item[key]).lower()
    return None


def _keys(key: str, value: Any) -> int:
    """What one attribute counts on the bill: an object by its keys, a list of objects by theirs, all else once."""
    if key in ("email_subscribe", "push_subscribe"):
        return 0
    if isinstance(value, dict) and not value.keys() & {"$time", "inc", "add", "remove"}:
        return sum(_keys("", part) for part in value.values())
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        return sum(_keys("", part) for part in value)
    return 1


def _is_dropped(value: Any) -> bool:
    """Braze drops what is nested and has a null anywhere, or a time that is none, without a word."""
    if isinstance(value, dict) and "$time" in value and not _TIME.match(str(value["$time"])):
        return True
    if isinstance(value, dict | list):
        return any(map(_is_dropped, value.values() if isinstance(value, dict) else value))
    return value is None


def _unique(parts: list[Any]) -> list[Any]:
    return list(dict.fromkeys(parts)) if all(isinstance(part, str | int | float) for part in parts) else parts
