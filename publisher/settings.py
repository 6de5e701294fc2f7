"""Settings from the environment and from a file, in one frozen model.

Order, first wins: command line, environment (``PUBLISHER_NAME``), ``publisher.toml`` under
``--root``, default. Secrets are never settings: descriptors name them as ``${NAME}``.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, IPvAnyNetwork, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from publisher.errors import ConfigurationError
from publisher.messages import Language

Seconds = Annotated[float, Field(gt=0)]


def _zone_name(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = f"{name!r} is no time zone such as Europe/Copenhagen"
        raise ValueError(msg) from error
    return name


ZoneName = Annotated[str, AfterValidator(_zone_name)]
Bytes = Annotated[int, Field(gt=0)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="PUBLISHER_", frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    root: Path = Path()
    """Folder that holds catalog/ and schemas/."""
    data: Path = Path("data")
    """Folder of all state: store, landing, published files, control socket."""
    host: str = "127.0.0.1"
    """Address that `publisher serve` listens on."""
    port: int = Field(8080, ge=0, le=65535)
    """Port that `publisher serve` listens on; 0 takes a free one."""
    public_url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    """Address that callers reach the API at: to be set where a proxy stands before it."""
    language: Language = "en"
    """Of messages on the command line: `en` or `da`. HTTP answers follow Accept-Language."""
    log_level: str = Field("info", pattern="^(debug|info|warning|error)$")
    """Least level of log lines."""
    threads: int = Field(2, ge=1)
    """Threads of the engine; also how many harvests run at the same time."""
    memory_limit: str = Field("256MB", pattern=r"^\d+(\.\d+)?(MB|GB|MiB|GiB)$")
    """Memory the engine may hold before it spills to disk."""
    max_delivery_bytes: Bytes = 1_000_000_000
    """Largest delivery accepted, as it comes and after decompression."""
    landing_keep_days: Annotated[float, Field(ge=1)] = 30
    """Days for which raw deliveries are kept."""
    history_keep_days: Annotated[float, Field(ge=2)] = 365
    """Days for which superseded rows answer `version` and `as_of`, where a table states none."""
    file_quiet: float = Field(1, ge=0, le=60)
    """Seconds for which a file must not have changed before it is taken."""
    http_timeout: Seconds = 60
    """Seconds until an HTTP source must have answered a read."""
    http_total_timeout: Seconds = 900
    """Seconds for one whole HTTP delivery."""
    http_attempts: int = Field(4, ge=1, le=20)
    """How often an HTTP source is asked before a run gives up."""
    http_redirects: int = Field(5, ge=0, le=20)
    """Most redirects followed."""
    http_allow_hosts: tuple[str, ...] = ()
    """Hosts (host or host:port) on private networks that a redirect may lead to."""
    timezone: ZoneName = "Europe/Copenhagen"
    """Zone that `cron` times are meant in."""
    schedule_jitter: float = Field(0.1, ge=0, le=0.5)
    """Share of its period by which a scheduled harvest may start later."""
    backoff_max: Seconds = 3600
    """Longest wait, in seconds, between tries of a failing source or target."""
    query_timeout: Seconds = 30
    """Seconds of engine time one query may take, and for which it may wait for its turn."""
    partner_timeout: Seconds = 10
    """Seconds that a question waits for partners, where it does not say."""

    quota: int = Field(120_000, ge=0)
    """Cost that one address may ask for in a minute; 0 sets no limit."""
    key_quota: int = Field(1_200_000, ge=0)
    """The same with a key."""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    """Networks whose X-Forwarded-For tells who asks."""
    cache_bytes: int = Field(64_000_000, ge=0)
    """Memory that answers are kept in to be given again; 0 keeps none."""
    series_bytes: int = Field(200_000_000, ge=0)
    """Memory that series of observations are kept in to be asked again; 0 keeps none."""
    export_timeout: Seconds = 600
    """Seconds of engine time one export may take, and for which it may wait for its turn."""
    export_bytes: Bytes = 2_000_000_000
    """Disk that exports are kept on to be fetched again."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        stated = {**env_settings(), **init_settings()}
        file = Path(str(stated.get("root", "."))) / "publisher.toml"
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)

    @property
    def store_path(self) -> Path:
        return self.data / "store.duckdb"

    @property
    def landing_path(self) -> Path:
        return self.data / "landing"

    @property
    def work_path(self) -> Path:
        """Scratch space; emptied at start."""
        return self.data / "work"

    @property
    def published_path(self) -> Path:
        return self.data / "published"

    @property
    def exports_path(self) -> Path:
        return self.data / "exports"

    @property
    def socket_path(self) -> Path:
        return self.data / "control.sock"

    @property
    def landing_keep(self) -> timedelta:
        return timedelta(days=self.landing_keep_days)

    @property
    def history_keep(self) -> timedelta:
        return timedelta(days=self.history_keep_days)


def load_settings(**stated: Any) -> Settings:
    """Read the settings; *stated* are those of the command line, None meaning not stated.

    Raises ConfigurationError naming each wrong setting.
    """
    try:
        return Settings(**{name: value for name, value in stated.items() if value is not None})
    except SettingsError as error:  # a list that is no JSON
        raise ConfigurationError("wrong-settings", faults=str(error)) from None
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise ConfigurationError("wrong-settings", faults=faults) from None
