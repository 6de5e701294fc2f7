"""CKAN's action API from the event loop, and the only user of ckanapi.

ckanapi is synchronous: it runs in two threads of its own, each with a session, and every
call has a timeout. A 500 says nothing about what was written, so nothing is retried here
but what the caller names as repeatable.
"""

import asyncio
import random
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

import ckanapi
import requests
import structlog

from publisher.errors import TargetError, TargetUnavailableError

log = structlog.get_logger(__name__)

CONNECTIONS = 2
_CONNECT_TIMEOUT = 10.0
_REPEATS = 5
_FIRST_WAIT = 0.5


class _AnswerError(Exception):
    """CKAN, or something before it, answered with a status that is no action's result."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class CkanClient:
    """Calls actions of one site as one user. The token is sent and never told."""

    def __init__(self, url: str, token: str, *, timeout: float) -> None:
        self._address = url.rstrip("/")
        self.url = _without_userinfo(self._address)
        self._token = token
        self._timeout = (min(_CONNECT_TIMEOUT, timeout), timeout)
        self._pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="ckan")
        self._local = threading.local()
        self._sessions: list[requests.Session] = []

    async def call(self, action: str, *, repeatable: bool = False, **parameters: Any) -> Any:
        """Give the result of *action*.

        A *repeatable* call is sent again, identically, while CKAN cannot be reached: it waits
        there on the locks of one that timed out here and was still under way. Raises
        TargetUnavailableError where a later try may help, else TargetError by CKAN's answer:
        ``ckan-refused`` (403), ``ckan-missing`` (404), ``ckan-rejected`` (409).
        """
        attempt = 0
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(
                    self._pool, self._call, action, parameters
                )
            except TargetUnavailableError as error:
                attempt += 1
                if not repeatable or attempt > _REPEATS:
                    raise
                log.debug("ckan is asked again", action=action, code=error.code, attempt=attempt)
                await asyncio.sleep(_FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.7, 1.3))  # noqa: S311 - no secret

    async def find(self, action: str, **parameters: Any) -> Any:
        """Give the result of *action*, None where CKAN has no such thing."""
        try:
            return await self.call(action, **parameters)
        except TargetError as error:
            if error.code == "ckan-missing":
                return None
            raise

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
        for session in self._sessions:
            session.close()

    def _call(self, action: str, parameters: Mapping[str, Any]) -> Any:
        try:
            return self._site().call_action(
                action, dict(parameters), requests_kwargs={"timeout": self._timeout}
            )
        except requests.Timeout as error:
            raise TargetUnavailableError(
                "ckan-timeout", url=self.url, action=action, seconds=self._timeout[1]
            ) from error
        except requests.RequestException as error:
            # The error's own text may hold headers and the whole address: its kind must do.
            kind = isinstance(error, requests.exceptions.SSLError)
            code = "ckan-certificate" if kind else "ckan-unreachable"
            raise TargetUnavailableError(code, url=self.url) from None
        except _AnswerError as error:
            raise TargetUnavailableError(
                "ckan-failed", url=self.url, action=action, status=error.status
            ) from None
        except ckanapi.NotFound as error:
            raise TargetError("ckan-missing", url=self.url, action=action) from error
        except ckanapi.NotAuthorized as error:
            raise TargetError("ckan-refused", url=self.url, action=action) from error
        except ckanapi.ValidationError as error:
            self._rejected(action, error)
        except (ckanapi.CKANAPIError, ckanapi.ServerIncompatibleError) as error:
            status = getattr(self._local, "status", None)
            raise TargetError("ckan-strange", url=self.url, action=action, status=status) from error

    def _rejected(self, action: str, error: Any) -> NoReturn:
        facts = {
            key: value for key, value in dict(error.error_dict).items() if not key.startswith("__")
        }
        if "deadlock detected" in str(facts):
            raise TargetUnavailableError(
                "ckan-failed", url=self.url, action=action, status=409
            ) from error
        told = "; ".join(f"{key}: {_told(value)}" for key, value in facts.items())
        raise TargetError("ckan-rejected", url=self.url, action=action, faults=told) from error

    def _site(self) -> Any:
        site = getattr(self._local, "site", None)
        if site is None:
            session = requests.Session()
            session.hooks["response"].append(self._look_at)
            self._sessions.append(session)
            site = ckanapi.RemoteCKAN(
                self._address, apikey=self._token, user_agent="publisher", session=session
            )
            self._local.site = site
        return site

    def _look_at(self, response: requests.Response, **_: Any) -> None:
        """Keep the status of proxies' and broken servers' answers, which ckanapi would lose."""
        self._local.status = response.status_code
        if response.status_code >= 500 or response.status_code in {408, 425, 429}:
            raise _AnswerError(response.status_code)


def _without_userinfo(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _told(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
