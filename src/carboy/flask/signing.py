"""Signed values, as itsdangerous signs them, without the work that is the same each time.

The library's serializer makes a signer, and derives its key, for every value. Here one serializer
is kept for a set of keys, with its signers and their derived keys. The bytes are the library's.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from typing import Any

from itsdangerous import HMACAlgorithm, TimestampSigner, URLSafeTimedSerializer

#: Serializers that are kept, at most.
KEPT = 64


class Sha1(HMACAlgorithm):
    """HMAC with SHA-1 in one step."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        return hmac.digest(key, value, "sha1")


class Signer(TimestampSigner):
    """A signer that derives a key once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._derived: dict[Any, bytes] = {}

    def derive_key(self, secret_key: str | bytes | None = None) -> bytes:
        key = self._derived.get(secret_key)
        if key is None:
            key = self._derived[secret_key] = super().derive_key(secret_key)
        return key


class Serializer(URLSafeTimedSerializer):
    """A serializer that makes its signer once."""

    default_signer = Signer
    _kept: Signer | None = None

    def make_signer(self, salt: str | bytes | None = None) -> Any:
        if salt is not None and salt != self.salt:
            return super().make_signer(salt)
        if self._kept is None:
            self._kept = super().make_signer(salt)  # type: ignore[assignment]
        return self._kept

    def iter_unsigners(self, salt: str | bytes | None = None) -> Iterator[Any]:
        if self.fallback_signers:
            return super().iter_unsigners(salt)
        return iter((self.make_signer(salt),))


_SERIALIZERS: dict[Any, Serializer] = {}


def serializer_for(
    keys: tuple[Any, ...],
    salt: str | bytes,
    serializer: Any,
    key_derivation: str,
    digest_method: Any,
    algorithm: Sha1 | None,
) -> Serializer:
    """The serializer for these settings; `keys` from the oldest to the one that signs."""
    key = (keys, salt, id(serializer), key_derivation, digest_method)
    made = _SERIALIZERS.get(key)
    if made is None or made.serializer is not serializer:
        if len(_SERIALIZERS) >= KEPT:
            _SERIALIZERS.clear()
        made = _SERIALIZERS[key] = Serializer(
            list(keys),
            salt=salt,
            serializer=serializer,
            signer_kwargs={
                "key_derivation": key_derivation,
                "digest_method": digest_method,
                **({} if algorithm is None else {"algorithm": algorithm}),
            },
        )
    return made
