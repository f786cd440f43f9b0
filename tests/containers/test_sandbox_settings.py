"""What the profile `sandbox` gives to the services: its own settings, or none at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

from services.demo.__main__ import DemoAddresses, write_settings
from services.demo.environment import ALL_LIVE, SystemAddresses, start_environment, topic_prefix
from services.settings import load


def where(shop: str, shop_ca: Path, balance: str) -> DemoAddresses:
    return DemoAddresses(
        SystemAddresses(shop, shop_ca, balance, "kafka:9092", "http://store-feed:8480"), "http://{service}:9464"
    )


async def test_sandboxes_that_never_answer_leave_no_settings_to_run_with(tmp_path: Path) -> None:
    """A company's own settings were chosen before: the services must not start with them in their place."""
    volume = tmp_path / "volumes/order-exporter"
    (volume / "own").mkdir(parents=True)
    (volume / "own/davtari.toml").write_text("# a real company", encoding="utf-8")
    (volume / "chosen").symlink_to("own")
    silent = where("https://127.0.0.1:9", tmp_path / "never-made.pem", "http://127.0.0.1:9")
    waiting = asyncio.create_task(write_settings(silent, [volume]))
    await asyncio.wait({waiting}, timeout=1.0)
    assert not waiting.done()
    assert (volume / "chosen").readlink() == Path("sandbox")
    assert not (volume / "chosen/davtari.toml").exists()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_sandboxes_that_answer_give_settings_that_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "running").mkdir()
    async with start_environment(tmp_path / "running", "unused:9092", "unused.") as running:
        shop_ca = tmp_path / "running/shop-ca.pem"
        at = where(running.shop_at.url, shop_ca, running.balance_at.url)
        parts = [tmp_path / "volumes" / part for part in ("order-exporter", "catalog-importer")]
        for part in parts:
            part.mkdir(parents=True)
        assert await write_settings(at, parts)
        settings = load(tmp_path / "volumes/order-exporter/chosen/davtari.toml", environ={})
        assert settings.shops["main"].flows.model_dump() == ALL_LIVE | {"payments": "off"}
        assert settings.shops["main"].url == running.shop_at.url
        assert settings.kafka.topic_prefix == topic_prefix(shop_ca)
        assert settings.receiver.public_url == "http://store-feed:8480"
        assert settings.balance.password().get_secret_value() == "sandbox"
        importer = load(tmp_path / "volumes/catalog-importer/chosen/davtari.toml", environ={})
        held = {file.name for file in importer.shops["main"].key_file.parent.iterdir()}
        assert held == {"key", "secret", "privacy", "command-key.pub"}
