"""CKAN's action API from the event loop, and the only user of ckanapi.

ckanapi is synchronous: it runs in two threads of its own, each with a session, and every
call has a deadline. A 500 says nothing about what was written, so nothing is retried here
but what the caller names as repeatable.
"""

import asyncio
import random
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

import ckanapi
import requests
import structlog
import urllib3

from publisher.errors import TargetError, TargetUnavailableError
from publisher.threads import beside, to_its_end

log = structlog.get_logger(__name__)

CONNECTIONS = 2
_CONNECT_TIMEOUT = 10.0
_REPEATS = 4
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_LARGEST_ANSWER = 64_000_000
_PART = 65_536
_DUMP_REFUSALS = {403: ckanapi.NotAuthorized, 404: ckanapi.NotFound}


class _AnswerError(Exception):
    """CKAN, or something before it, answered with what is no action's result."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after = retry_after


class _SlowError(Exception):
    """The answer did not come to its end in time."""


class _LargeError(Exception):
    """The answer is larger than any that is expected."""


class _Session(requests.Session):
    """Follows nothing, and ends an answer that drips or swells: requests itself would wait."""

    def __init__(self, seconds: float, stopped: threading.Event) -> None:
        super().__init__()
        self._seconds = seconds
        self._stopped = stopped
        self.status: int | None = None
        """Of the last answer, which ckanapi does not tell."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        self.status = None
        until = time.monotonic() + self._seconds
        wanted = options.pop("stream", False)
        options["allow_redirects"] = False
        response = super().send(request, stream=True, **options)
        self.status = response.status_code
        if not wanted:
            body = bytearray()
            for part in self.parts(response, until):
                body += part
                if len(body) > _LARGEST_ANSWER:
                    raise _LargeError
            response._content = bytes(body)  # noqa: SLF001 - where requests puts it itself
            response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001
        status = response.status_code
        if status >= 500 or 300 <= status < 400 or status in {408, 425, 429}:
            response.close()
            raise _AnswerError(status, _retry_after(response.headers.get("Retry-After")))
        return response

    def parts(self, response: requests.Response, until: float) -> Iterator[bytes]:
        """Give the body as it comes in, until the monotonic time *until* or a stop."""
        try:
            while part := response.raw.read1(_PART, decode_content=True):
                yield part
                if time.monotonic() > until or self._stopped.is_set():
                    raise _SlowError
        finally:
            response.close()


@dataclass(slots=True)
class Doubts:
    """Whether requests were left without an answer: they may be carried out later than others."""

    last: datetime | None = None
    """When the newest such request was given up."""


class CkanClient:
    """Calls actions of one site as one user. The token is sent and never told."""

    def __init__(self, url: str, token: str, *, timeout: float) -> None:
        self._address = url.rstrip("/")
        self.url = _without_userinfo(self._address)
        self._token = token
        self._timeout = (min(_CONNECT_TIMEOUT, timeout), timeout)
        self._pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="ckan")
        self._stopped = threading.Event()
        self._local = threading.local()
        self._sessions: list[_Session] = []

    async def call(
        self,
        action: str,
        *,
        repeatable: bool = False,
        doubts: Doubts | None = None,
        **parameters: Any,
    ) -> Any:
        """Give the result of *action*.

        A *repeatable* call is sent again, identically, while CKAN cannot be reached: it waits
        there on the locks of one that timed out here and was still under way. What was left
        unanswered is noted in *doubts*. Raises TargetUnavailableError where a later try may
        help, else TargetError by CKAN's answer: ``ckan-refused`` (403), ``ckan-missing``
        (404), ``ckan-rejected`` (409, with its ``facts``), ``ckan-too-large`` (413).
        """
        attempt = 0
        while True:
            try:
                return await self._thread(self._call, action, parameters)
            except TargetUnavailableError as error:
                if doubts is not None and error.lost:
                    doubts.last = datetime.now(UTC)
                attempt += 1
                wait = error.retry_after or _FIRST_WAIT * 2 ** (attempt - 1)
                most = 1 if error.code == "ckan-strange" else _REPEATS
                if not repeatable or attempt > most or wait > _LONGEST_WAIT:
                    raise
                log.debug("ckan is asked again", action=action, code=error.code, attempt=attempt)
                await asyncio.sleep(wait * random.uniform(1, 1.3))  # noqa: S311 - no secret

    async def find(self, action: str, **parameters: Any) -> Any:
        """Give the result of *action*, None where CKAN has no such thing."""
        try:
            return await self.call(action, repeatable=True, **parameters)
        except TargetError as error:
            if error.code == "ckan-missing":
                return None
            raise

    async def dump(self, resource: str, path: Path, *, most: int, seconds: float) -> None:
        """Write the DataStore table as CSV to *path*, without the header.

        At most *most* bytes, within *seconds*.

        Raises what `call` does.
        """
        unwanted = threading.Event()  # it changes nothing, and may be long
        dump = partial(self._dump, resource, path, most, seconds, unwanted)
        # In a thread of its own: what is to be taken back does not wait behind it
        await to_its_end(beside(dump), stop=unwanted.set)

    async def close(self) -> None:
        self._stopped.set()
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
        for session in self._sessions:
            session.close()

    async def _thread(self, work: Any, *arguments: Any) -> Any:
        """Have one of the threads do *work*.

        A request under way is waited for though the caller is cancelled: who looks at the site
        next, to take something back, must not look before it.
        """
        return await to_its_end(self._pool.submit(work, *arguments))

    def _call(self, action: str, parameters: Mapping[str, Any]) -> Any:
        session = self._session()
        site = ckanapi.RemoteCKAN(
            self._address, apikey=self._token, user_agent="publisher", session=session
        )
        try:
            return site.call_action(
                action, dict(parameters), requests_kwargs={"timeout": self._timeout}
            )
        except ckanapi.CKANAPIError as error:
            self._refused(action, error, session.status)
        except Exception as error:  # noqa: BLE001 - what is no fault of the wire is raised again
            self._failed(action, error, session.status)

    def _dump(
        self, resource: str, path: Path, most: int, seconds: float, unwanted: threading.Event
    ) -> None:
        session = _Session(self._timeout[1], self._stopped)
        try:
            with (
                session,
                session.get(
                    f"{self._address}/datastore/dump/{resource}",
                    params={"bom": "false"},
                    headers={"Authorization": self._token, "User-Agent": "publisher"},
                    timeout=self._timeout,
                    stream=True,
                ) as response,
            ):
                if response.status_code in _DUMP_REFUSALS:
                    status = response.status_code
                    self._refused("dump", _DUMP_REFUSALS[status](), status)
                parts = session.parts(response, time.monotonic() + seconds)
                _save(response, takewhile(lambda _: not unwanted.is_set(), parts), path, most)
        except TargetError:
            raise
        except Exception as error:  # noqa: BLE001 - what is no fault of the wire is raised again
            self._failed("dump", error, session.status)

    def _failed(self, action: str, error: Exception, status: int | None) -> NoReturn:
        """Raise what a fault of the wire, or of something on the way, means to us."""
        about = {"url": self.url, "action": action}
        lost = not isinstance(error, requests.exceptions.ConnectTimeout)
        found: TargetUnavailableError
        match error:
            case requests.Timeout() | _SlowError():
                found = TargetUnavailableError("ckan-timeout", **about, seconds=self._timeout[1])
            case requests.exceptions.SSLError():
                found = TargetUnavailableError("ckan-certificate", url=self.url)
                lost = False
            case _LargeError() | ckanapi.ServerIncompatibleError():
                found = TargetUnavailableError("ckan-strange", **about, status=status)
            case _AnswerError(status=500 | 502 | 503 | 504 | 408 | 425 | 429 as code):
                found = TargetUnavailableError("ckan-failed", **about, status=code)
                found.retry_after = error.retry_after
                lost = code not in {425, 429}
            case _AnswerError():
                found = TargetUnavailableError("ckan-strange", **about, status=error.status)
            case requests.RequestException() | urllib3.exceptions.HTTPError() | OSError():
                # The error's own text may hold headers and the whole address: its kind must do.
                found = TargetUnavailableError("ckan-unreachable", url=self.url)
                lost = not _never_sent(error)
            case _:
                raise error
        found.lost = lost
        raise found from None

    def _refused(self, action: str, error: Any, status: int | None) -> NoReturn:
        """Raise what CKAN's own answer means, where it is CKAN's: the status has to fit."""
        kinds = {
            ckanapi.NotFound: ("ckan-missing", 404),
            ckanapi.NotAuthorized: ("ckan-refused", 403),
            ckanapi.ValidationError: ("ckan-rejected", 409),
        }
        code, fitting = next(
            (told for kind, told in kinds.items() if isinstance(error, kind)), ("", 0)
        )
        if status == 413:
            raise TargetError("ckan-too-large", url=self.url, action=action) from None
        if not code or status != fitting:
            strange = TargetUnavailableError(
                "ckan-strange", url=self.url, action=action, status=status
            )
            strange.lost = True
            raise strange from None
        if code == "ckan-rejected":
            self._rejected(action, error)
        raise TargetError(code, url=self.url, action=action) from None

    def _rejected(self, action: str, error: Any) -> NoReturn:
        facts = {
            key: value for key, value in dict(error.error_dict).items() if not key.startswith("__")
        }
        if "deadlock detected" in str(facts):
            raise TargetUnavailableError(
                "ckan-failed", url=self.url, action=action, status=409
            ) from None
        told = "; ".join(f"{key}: {_told(value)}" for key, value in facts.items())
        rejected = TargetError("ckan-rejected", url=self.url, action=action, faults=told)
        rejected.facts = facts
        raise rejected from None

    def _session(self) -> _Session:
        session: _Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = _Session(self._timeout[1], self._stopped)
            self._sessions.append(session)
        return session


def _save(response: requests.Response, parts: Iterator[bytes], path: Path, most: int) -> None:
    if response.status_code != 200:
        raise _AnswerError(response.status_code, None)
    header = True
    with path.open("wb") as file:
        for part in parts:
            if header:
                # It ends by CR LF and the rows by LF: no reader takes both. No name has a LF.
                _, found, part = part.partition(b"\n")  # noqa: PLW2901
                header = not found
            most -= file.write(part)
            if most < 0:
                raise _LargeError


def _never_sent(error: BaseException) -> bool:
    """Tell whether there was no connection to send anything over."""
    told = error.args[0] if error.args else None
    reason = getattr(told, "reason", told)
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _retry_after(header: str | None) -> float | None:
    """Read ``Retry-After``: seconds, or a date (RFC 9110, section 10.2.3)."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _without_userinfo(url: str) -> str:
    parts_ = urlsplit(url)
    return urlunsplit(parts_._replace(netloc=parts_.netloc.rpartition("@")[2]))


def _told(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
