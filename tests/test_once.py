"""Files that are made once: whole, the same for everybody, and told in words where they cannot."""

import resource
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from publisher.errors import StorageFullError, StoreError
from publisher.once import made_once
from publisher.query import load_key
from publisher.targets.kinds import installation_id


def test_all_who_make_it_at_once_read_the_same(tmp_path: Path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(load_key, [tmp_path / "data" / "secret.key"] * 32))
    (key,) = keys
    assert len(key) == 32
    (file,) = (tmp_path / "data").iterdir()
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (key, 0o600)


@pytest.mark.parametrize("make", [installation_id, lambda data: load_key(data / "secret.key")])
def test_a_full_disk_is_told_and_nothing_half_made_remains(
    tmp_path: Path, make: Callable[[Path], object]
):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8, hard))
    try:
        with pytest.raises(StorageFullError):
            make(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []
    assert make(tmp_path) == make(tmp_path)


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path):
    (tmp_path / "data").write_text("a file stands here")
    with pytest.raises(StoreError, match="data"):
        made_once(tmp_path / "data" / "secret.key", lambda: b"x")
