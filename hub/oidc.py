"""OpenID Connect: the code flow with PKCE, and an ID token that's believed only if it was signed for us, now."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from httpx2 import HTTPError
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from hub.errors import EgressError, NotAllowed
from hub.issuers import OidcConfig, is_safe
from hub.ports import Clock, Vouched

log = logging.getLogger(__name__)

SECONDS = 10.0
"""What one question to a provider may take."""
LARGEST = 1 << 20
"""Bytes of what a provider tells about itself."""
FRESH = 3600.0
"""Seconds that it's believed."""
ANEW = 60.0
"""Seconds after which its keys are asked for again, for one that isn't known."""
LEEWAY = 60
"""Seconds that its clock may be off."""
ALGORITHMS = frozenset(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)) | {"EdDSA"}
"""Signatures by a key that only the provider has: neither "none" nor HS256, whose key others have, too."""
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Oidc:
    """A Voucher over OpenID Connect."""

    def __init__(self, config: OidcConfig, clock: Clock) -> None:
        self.issuer = config.issuer
        self._config = config
        self._clock = clock
        self._told: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def ask(self, *, redirect: str, state: str, nonce: str, verifier: str) -> str:
        """See Voucher."""
        metadata = await self._metadata()
        async with self._client(redirect) as client:
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        return str(url)

    async def vouch(self, code: str, *, redirect: str, nonce: str, verifier: str, issuer: str = "") -> Vouched:
        """See Voucher."""
        metadata = await self._metadata()
        # RFC 9207: an answer of another provider isn't taken for this one's.
        if issuer != self.issuer and (issuer or metadata.get("authorization_response_iss_parameter_supported")):
            raise self._refused("it isn't the one that answered")
        token = await self._token(metadata, code, redirect, verifier)
        id_token = token.get("id_token")
        if not isinstance(id_token, str):
            raise self._refused("it sent no ID token")
        claims = await self._claims(metadata, id_token, nonce, str(token.get("access_token", "")))
        return Vouched(
            subject=str(claims["sub"]),
            email=_text(claims.get("email")),
            email_verified=claims.get("email_verified") in (True, "true"),
            name=_text(claims.get("name")),
        )

    # --- what the provider tells

    async def _token(self, metadata: Mapping[str, Any], code: str, redirect: str, verifier: str) -> Mapping[str, Any]:
        url = metadata["token_endpoint"]
        try:
            async with self._client(redirect, metadata) as client:
                token = await client.fetch_token(
                    url, grant_type="authorization_code", code=code, code_verifier=verifier, redirect_uri=redirect
                )
        except (AuthlibBaseError, ValueError, KeyError) as error:
            # The reason is the provider's, and may quote what was sent: its name is enough.
            raise self._refused(f"it didn't take the code ({type(error).__name__})") from None
        if not isinstance(token, Mapping):
            raise self._refused("it didn't take the code")
        return token

    async def _claims(self, metadata: Mapping[str, Any], id_token: str, nonce: str, access_token: str) -> CodeIDToken:
        registry = JWSRegistry(algorithms=sorted(_algorithms(metadata)), strict_check_header=False)
        try:
            try:
                token = jwt.decode(id_token, await self._key_set(metadata), registry=registry)
            except InvalidKeyIdError:
                token = jwt.decode(id_token, await self._key_set(metadata, anew=True), registry=registry)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": self.issuer},
                    "aud": {"essential": True, "value": self._config.client_id},
                },
                {"nonce": nonce, "client_id": self._config.client_id, "access_token": access_token},
            )
            claims.validate(now=int(self._clock.now().timestamp()), leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise self._refused(f"its ID token isn't good ({type(error).__name__})") from None
        if not claims["sub"] or len(claims["sub"]) > 255:
            raise self._refused("its ID token names nobody")
        return claims

    async def _metadata(self) -> Mapping[str, Any]:
        now = self._clock.monotonic()
        if self._told is not None and now - self._told[0] < FRESH:
            return self._told[1]
        told = await self._read(get_well_known_url(self.issuer, external=True))
        if told.get("issuer") != self.issuer:
            raise self._silent(f"calls itself {str(told.get('issuer'))[:200]!r}; write it so in the config")
        for endpoint in ENDPOINTS:
            if not isinstance(told.get(endpoint), str) or not is_safe(told[endpoint]):
                raise self._silent(f"names no {endpoint} that's reached by https")
        self._told = (now, told)
        return told

    async def _key_set(self, metadata: Mapping[str, Any], *, anew: bool = False) -> KeySet:
        now = self._clock.monotonic()
        age = now - self._keys[0] if self._keys else FRESH
        if self._keys is None or age >= FRESH or (anew and age >= ANEW):
            told = await self._read(metadata["jwks_uri"])
            # A secret that's shared with others signs nothing here.
            keys = [
                key for key in told.get("keys", ()) if isinstance(key, dict) and key.get("kty") in {"RSA", "EC", "OKP"}
            ]
            self._keys = (now, KeySet.import_key_set({"keys": keys}))
        return self._keys[1]

    async def _read(self, url: str) -> Mapping[str, Any]:
        async with self._client("") as client, client.stream("GET", url, withhold_token=True) as answer:
            body = b""
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > LARGEST:
                    raise self._silent("tells too much")
            if answer.status_code != 200:
                raise self._silent(f"answered {answer.status_code}")
        try:
            told = json.loads(body)
        except ValueError:
            raise self._silent("answered no JSON") from None
        if not isinstance(told, dict):
            raise self._silent("answered no JSON object")
        return told

    @asynccontextmanager
    async def _client(self, redirect: str, metadata: Mapping[str, Any] | None = None) -> AsyncIterator[Any]:
        """Give a client for a few seconds; raises EgressError if the provider can't be reached."""
        try:
            async with (
                asyncio.timeout(SECONDS),
                AsyncOAuth2Client(
                    self._config.client_id,
                    str(self._config.client_secret) or None,
                    token_endpoint_auth_method=self._method(metadata or {}),
                    scope=" ".join(self._config.scopes),
                    redirect_uri=redirect,
                    code_challenge_method="S256",
                    timeout=SECONDS,
                    follow_redirects=False,
                    trust_env=False,
                ) as client,
            ):
                yield client
        except TimeoutError:
            raise self._silent(f"gave no answer within {SECONDS:g} seconds") from None
        except HTTPError as error:
            raise self._silent(f"can't be reached ({type(error).__name__})") from None

    def _method(self, metadata: Mapping[str, Any]) -> str:
        if not self._config.client_secret:
            return "none"
        known = metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return "client_secret_basic" if "client_secret_basic" in known else "client_secret_post"

    def _silent(self, why: str) -> EgressError:
        log.warning("identity provider %s: %s", self._config.name, why)
        return EgressError(f"{self._config.name}: the identity provider {why}")

    def _refused(self, why: str) -> NotAllowed:
        log.warning("identity provider %s: vouches for nobody: %s", self._config.name, why)
        return NotAllowed(f"{self._config.name}: the identity provider vouches for nobody: {why}")


def _algorithms(metadata: Mapping[str, Any]) -> frozenset[str]:
    told = metadata.get("id_token_signing_alg_values_supported")
    return ALGORITHMS & frozenset(told if isinstance(told, list) else ["RS256"])


def _text(value: object) -> str:
    return value[:320] if isinstance(value, str) else ""
