"""An OpenID Connect provider on a free port, faithful but where a test has it lie."""

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from litestar import Litestar, Request, Response, get, post
from msgspec import Struct

from hub.clock import SystemClock
from hub.ports import Clock
from hub.web.server import Server

CLIENT, SECRET = "agenthost", "the-clients-secret"


class Granted(Struct, frozen=True, kw_only=True):
    """What a code stands for."""

    client: str
    redirect: str
    challenge: str
    nonce: str
    scope: str


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@cache
def fresh_keys(number: str) -> dict[str, RSAKey | ECKey]:
    return {
        "RS256": RSAKey.generate_key(2048, {"kid": f"rsa-{number}", "use": "sig"}),
        "ES256": ECKey.generate_key("P-256", {"kid": f"ec-{number}", "use": "sig"}),
    }


@dataclass
class Issuer:
    """Somebody who vouches for Ann, by RS256 unless a test says otherwise."""

    url: str = ""
    algorithm: str = "RS256"
    user: dict[str, Any] = field(
        default_factory=lambda: {"sub": "ann-1", "email": "ann@example.org", "email_verified": True, "name": "Ann"}
    )
    claims: dict[str, Any] = field(default_factory=dict)
    """Laid over what the ID token says; None takes a claim out."""
    metadata: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, str] = field(default_factory=dict)
    """Laid over what goes back to the client through the browser."""
    lie: str = ""
    """other key, none, hs256 secret, hs256 public, no id token, unknown kid, garbage, tampered"""
    keys: dict[str, RSAKey | ECKey] = field(default_factory=lambda: fresh_keys("1"))
    clock: Clock = field(default_factory=SystemClock)
    codes: dict[str, Granted] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Paths, in order."""

    def told(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }

    def authorize(self, url: str) -> str:
        """Do what a person does who says yes: return where their browser is sent."""
        parts = urlsplit(url)
        given = dict(parse_qsl(parts.query, strict_parsing=True))
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.url}/authorize"
        assert (given["response_type"], given["client_id"], given["code_challenge_method"]) == ("code", CLIENT, "S256")
        assert "openid" in given["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = Granted(
            client=given["client_id"],
            redirect=given["redirect_uri"],
            challenge=given["code_challenge"],
            nonce=given["nonce"],
            scope=given["scope"],
        )
        back = {"code": code, "state": given["state"], "iss": self.url, **self.answer}
        return f"{given['redirect_uri']}?{urlencode(back)}"

    def exchange(self, authorization: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Give a token for a code, once and to whom it's for."""
        kind, _, encoded = authorization.partition(" ")
        if (kind, base64.b64decode(encoded).decode()) != ("Basic", f"{CLIENT}:{SECRET}"):
            return {"error": "invalid_client"}
        granted = self.codes.pop(form.get("code", ""), None)
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            granted is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != granted.redirect
            or not hmac.compare_digest(challenge, granted.challenge)
        ):
            return {"error": "invalid_grant"}
        access = secrets.token_urlsafe(16)
        token = {"access_token": access, "token_type": "Bearer", "expires_in": 300}
        return token if self.lie == "no id token" else {**token, "id_token": self.id_token(granted, access)}

    def id_token(self, granted: Granted, access: str) -> str:
        now = int(self.clock.now().timestamp())
        half = hashlib.sha256(access.encode()).digest()[:16]
        said = {
            "iss": self.url,
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": granted.nonce,
            "at_hash": b64(half),
            **self.user,
            **self.claims,
        }
        said = {name: value for name, value in said.items() if value is not None}
        return self._lied(said) if self.lie else self._signed(said, self.keys[self.algorithm])

    def _lied(self, said: Mapping[str, Any]) -> str:
        key, stranger = self.keys[self.algorithm], fresh_keys("stranger")["RS256"]
        head, body, signature = self._signed(said, key).split(".")
        other = b64(json.dumps({**said, "sub": "somebody-else"}).encode())
        unsigned = b64(b'{"alg":"none","typ":"JWT"}')
        public = self.keys["RS256"].as_pem(private=False)
        return {
            "none": f"{unsigned}.{body}.",
            "hs256 secret": _hs256(said, SECRET.encode(), str(key.kid)),
            "hs256 public": _hs256(said, public, str(key.kid)),
            "other key": self._signed(said, stranger, kid=str(key.kid)),
            "unknown kid": self._signed(said, stranger, kid="who"),
            "tampered": f"{head}.{other}.{signature}",
            "garbage": "not.a.token",
        }[self.lie]

    def _signed(self, said: Mapping[str, Any], key: RSAKey | ECKey, kid: str = "") -> str:
        algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
        return jwt.encode({"alg": algorithm, "kid": kid or str(key.kid)}, dict(said), key, algorithms=[algorithm])

    @asynccontextmanager
    async def served(self) -> AsyncIterator["Issuer"]:
        """Answer on a free port until the end of the block."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = Server(self._app(), closing=asyncio.Event())
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.005)
        try:
            yield self
        finally:
            server.should_exit = True
            await serving

    def _app(self) -> Litestar:
        @get("/.well-known/openid-configuration")
        async def told() -> dict[str, Any]:
            self.asked.append("configuration")
            return self.told()

        @get("/jwks")
        async def jwks() -> dict[str, Any]:
            self.asked.append("jwks")
            return {"keys": [key.as_dict(private=False) for key in self.keys.values()]}

        @get("/authorize")
        async def authorize(request: Request[Any, Any, Any]) -> Response[None]:
            return Response(
                None, status_code=302, headers={"Location": self.authorize(f"{self.url}/authorize?{request.url.query}")}
            )

        @post("/token", status_code=200)
        async def token(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
            self.asked.append("token")
            form = dict(parse_qsl((await request.body()).decode()))
            answer = self.exchange(request.headers.get("authorization", " "), form)
            return Response(answer, status_code=400 if "error" in answer else 200)

        return Litestar([told, jwks, authorize, token], openapi_config=None, logging_config=None)


def _hs256(said: Mapping[str, Any], key: bytes, kid: str) -> str:
    head = json.dumps({"alg": "HS256", "kid": kid}).encode()
    signed = f"{b64(head)}.{b64(json.dumps(said).encode())}"
    return f"{signed}.{b64(hmac.digest(key, signed.encode(), 'sha256'))}"
