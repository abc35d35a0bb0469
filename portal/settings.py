"""What the environment says. Every setting stands in `.env.example`; nothing else reads the environment."""

import secrets
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Misconfigured(RuntimeError):
    """The server refuses to start; the message says which setting to mend."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=ROOT / ".env", extra="ignore")

    environment: Literal["development", "production"] = "development"
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    former_urls: str = ""
    content_url: str = ""
    database_url: str = ""
    redis_url: str = ""
    smtp_url: str = ""
    mail_from: str = "Yuqiao <registry@yuqiao.example>"
    secret_key: str = ""
    registry: str = ""
    registry_token: str = ""
    risk_list: str = ""
    dns_resolver: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_name: str = ""
    trusted_proxies: str = "127.0.0.1"
    data_dir: Path = ROOT / "var"
    files_url: str = ""
    files_s3_endpoint: str = ""
    files_s3_access_key: str = ""
    files_s3_secret: str = ""
    files_s3_region: str = ""
    demo: bool = False
    clock_ahead_days: int = 0

    @property
    def production(self) -> bool:
        return self.environment == "production"

    @cached_property
    def base_url(self) -> str:
        """The public address without a slash at the end; credentials and mails carry it."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @cached_property
    def former(self) -> tuple[str, ...]:
        """Earlier public addresses: what was issued under them is still answered under them."""
        return tuple(url.strip().rstrip("/") for url in self.former_urls.split(",") if url.strip())

    @cached_property
    def content_origin(self) -> str:
        """Where outside courses are served: never the portal's own host. "" when there is no such place."""
        if self.content_url or self.production:
            return self.content_url.rstrip("/")
        url = urlsplit(self.base_url)  # the same server by its other name: to a browser a stranger
        other = {"127.0.0.1": "localhost", "localhost": "127.0.0.1"}.get(url.hostname or "")
        return f"{url.scheme}://{other}" + (f":{url.port}" if url.port else "") if other else ""

    @cached_property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'yuqiao.db'}"

    @property
    def registry_address(self) -> str:
        """Where organisations are looked up; the demo brings a registry of its own. Empty: people compare."""
        own = self.data_dir / "registry.csv"
        return self.registry or (f"file:{own}" if self.demo and own.exists() else "")

    @cached_property
    def secret(self) -> str:
        """Signs CSRF cookies and encrypts second factors. In development it is made once and kept in the data folder."""
        if self.secret_key:
            return self.secret_key
        path = self.data_dir / "secret"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(32))
        return path.read_text()

    def require_complete(self) -> None:
        """Raise `Misconfigured` when something is half set, or production lacks what it cannot safely do without."""
        wrong = self._wrong_with_files() + self._wrong_with_content() + self._wrong_with_former()
        outside = [self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret, self.oidc_name]
        if any(outside) and not all(outside):
            wrong.append("OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET and OIDC_NAME go together")
        if self.production:
            wrong += self._wrong_with_production()
        if wrong:
            raise Misconfigured("Not started. " + "; ".join(wrong) + ".")

    def _wrong_with_files(self) -> list[str]:
        url = urlsplit(self.files_url)
        if not self.files_url:
            return []
        if url.scheme != "s3" or not url.hostname:
            return ["FILES_URL must be empty or s3://bucket"]
        wrong = []
        if not (self.files_s3_access_key and self.files_s3_secret):
            wrong.append("FILES_S3_ACCESS_KEY and FILES_S3_SECRET must be set with FILES_URL")
        if self.production and self.files_s3_endpoint and urlsplit(self.files_s3_endpoint).scheme != "https":
            wrong.append("FILES_S3_ENDPOINT must be an https address")
        return wrong

    def _wrong_with_content(self) -> list[str]:
        if not self.content_url:
            return []
        url, host = urlsplit(self.content_url), urlsplit(self.base_url).hostname or ""
        own = url.hostname or ""
        if url.scheme not in ("http", "https") or not own or url.path.strip("/") or url.query:
            return ["CONTENT_URL must be an address without a path"]
        wrong = []
        # Cookies know hosts and what is below them, but no ports.
        if own == host or own.endswith(f".{host}") or host.endswith(f".{own}"):
            wrong.append("CONTENT_URL must name another host than PUBLIC_URL, neither below the other")
        if self.production and url.scheme != "https":
            wrong.append("CONTENT_URL must be an https address")
        return wrong

    def _wrong_with_former(self) -> list[str]:
        for address in self.former:
            url = urlsplit(address)
            if url.scheme not in ("http", "https") or not url.hostname or url.path or url.query:
                return ["FORMER_URLS must be addresses without a path, separated by commas"]
            if self.production and url.scheme != "https":
                return ["FORMER_URLS must be https addresses"]
        return []

    def _wrong_with_production(self) -> list[str]:
        wrong = []
        if len(self.secret_key) < 32:
            wrong.append("SECRET_KEY must be set to at least 32 random characters")
        if urlsplit(self.public_url).scheme != "https":
            wrong.append("PUBLIC_URL must be the https address people use")
        if not self.database_url.startswith("postgresql"):
            wrong.append("DATABASE_URL must name a PostgreSQL database")
        if not self.redis_url:
            wrong.append("REDIS_URL must name the Valkey or Redis server for background jobs")
        if not self.smtp_url:
            wrong.append("SMTP_URL must name the mail server")
        if self.registry and not self.registry.startswith(("https://", "file:")):
            wrong.append("REGISTRY must be an https address or a file: path")
        if self.demo:
            wrong.append("DEMO must be off")
        if self.clock_ahead_days:
            wrong.append("CLOCK_AHEAD_DAYS must be 0")
        if self.oidc_issuer and urlsplit(self.oidc_issuer).scheme != "https":
            wrong.append("OIDC_ISSUER must be an https address")
        return wrong


@lru_cache(maxsize=1)
def settings() -> Settings:
    return Settings()
