"""What every value on every topic has in common: JSON, UTF-8, ``schema`` and ``v`` first."""

from functools import cached_property
from typing import Any, Generic, TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from shared.errors import DecodeError

T = TypeVar("T")


def load_object(value: bytes | None, *, schema: str, version: int) -> dict[str, Any]:
    """Return the JSON object of a record's value after checking its schema and version.

    Raises
    ------
    DecodeError
        If the value is empty, not a JSON object, or of another schema or version.

    Examples
    --------
    >>> load_object(b'{"schema":"bars","v":1,"close":2.0}', schema="bars", version=1)["close"]
    2.0
    """
    if value is None:
        raise DecodeError(f"a {schema} value must not be empty", reason="empty")
    try:
        loaded = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"a {schema} value must be JSON: {error}", reason="not_json") from error
    if not isinstance(loaded, dict):
        raise DecodeError(
            f"a {schema} value must be an object, was {type(loaded).__name__}", reason="not_object"
        )
    # True == 1 in Python, but not in JSON.
    if loaded.get("schema") != schema or loaded.get("v") != version or loaded["v"] is True:
        seen = f"schema {loaded.get('schema')!r} v {loaded.get('v')!r}"
        raise DecodeError(
            f"expected schema {schema!r} v {version}, was {seen}"[:300], reason="unknown_schema"
        )
    return loaded


class Contract(Generic[T]):
    """Translate one domain value to and from the bytes of one topic.

    The domain dataclass is the one definition; pydantic checks what comes in against it and writes the
    JSON Schema. Unknown fields are ignored, so that a writer may be newer than a reader.

    Parameters
    ----------
    schema, version
        In every value as ``schema`` and ``v``.
    domain
        The dataclass.
    """

    def __init__(self, schema: str, version: int, domain: type[T]) -> None:
        self.schema = schema
        self.version = version
        self._domain = domain

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        return TypeAdapter(self._domain)

    def prepare(self) -> None:
        """Build the checks now, up to 0.1 s, so that the first record does not wait for them."""
        self._adapter  # noqa: B018 - it is built by being asked for

    def encode(self, value: T) -> bytes:
        """Return canonical bytes: equal values give equal bytes, fields in the order of the definition."""
        head = orjson.dumps({"schema": self.schema, "v": self.version})
        return head[:-1] + b"," + orjson.dumps(value)[1:]

    def decode(self, value: bytes | None) -> T:
        """Return the domain value.

        Raises
        ------
        DecodeError
            If the bytes do not match the schema.
        QualityError
            If they do, but the values are implausible.
        """
        loaded = load_object(value, schema=self.schema, version=self.version)
        try:
            # Strict: a number written as text is another schema, and "nan" would become a number. From what
            # orjson read: it reads an integer beyond 64 bits as a float, which could not be written back.
            return self._adapter.validate_json(orjson.dumps(loaded), strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise DecodeError(
                f"{self.schema}: {where}: {first['msg']}"[:300], reason="schema_mismatch"
            ) from error

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value, envelope included."""
        schema = self._adapter.json_schema()
        schema["properties"] = {
            "schema": {"const": self.schema},
            "v": {"const": self.version},
            **schema["properties"],
        }
        schema["required"] = ["schema", "v", *schema.get("required", [])]
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        schema["$id"] = f"convex:{self.schema}:v{self.version}"
        return schema
