"""Settings: one file that a person can read; every mistake is named by its key."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from services.settings import SettingsError, load
from services.settings.base import SecretMissing
from services.settings.model import Settings

# A commented line of settings, not of words.
OFFERED = re.compile(r'^# (?=\[\[?[a-z]|[a-z0-9-]+ = |"5b0c)', re.MULTILINE)
PLAIN = """
[balance]
application-id = "1234"
user-name = "integration@example.test"
password-file = "secrets/balance"

[shops.main]
url = "https://shop.example.test"
key-file = "secrets/key"
secret-file = "secrets/secret"
"""


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Writes settings and loads them; the environment is what the test says."""

    def write(text: str, **environ: str) -> Settings:
        path = tmp_path / "davtari.toml"
        path.write_text(text, encoding="utf-8")
        return load(path, environ)

    return write


@pytest.mark.claim("S0.36")
def test_a_new_shop_starts_with_every_flow_in_dry_run(written: Any) -> None:
    flows = written(PLAIN).shops["main"].flows.model_dump()
    assert flows.pop("payments") == "off"
    assert set(flows) == {"catalogue", "prices", "stock", "orders", "refunds"}
    assert set(flows.values()) == {"dry-run"}


def test_the_file_that_init_writes_can_be_loaded(written: Any) -> None:
    template = files("services.cli.init").joinpath("template.toml").read_text(encoding="utf-8")
    assert written(template).shops["main"].url == "https://shop.example.ge"
    assert tomllib.loads(template)["shops"]["main"]["flows"]["orders"] == "dry-run"


def test_every_line_that_the_file_of_init_offers_is_a_setting(written: Any) -> None:
    template = files("services.cli.init").joinpath("template.toml").read_text(encoding="utf-8")
    whole = OFFERED.sub("", template).replace('policy = "single"', 'policy = "per-store"')
    settings = written(whole)
    assert len(OFFERED.findall(template)) > 50
    assert settings.shops["main"].catalogue.sku_deny == ("*-SAMPLE",)
    assert settings.telemetry.port == 9464


def test_the_environment_overrides_the_file(written: Any) -> None:
    settings = written(PLAIN, DAVTARI__KAFKA__BOOTSTRAP_SERVERS="kafka:9092", DAVTARI__SHOPS__MAIN__FLOWS__STOCK="live")
    assert settings.kafka.bootstrap_servers == "kafka:9092"
    assert settings.shops["main"].flows.stock == "live"


@pytest.mark.claim("S1.7")
def test_secrets_are_found_beside_the_file_and_never_shown(written: Any, tmp_path: Path) -> None:
    settings = written(PLAIN)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "balance").write_text("p+a#s\n", encoding="utf-8")
    password = settings.balance.password()
    assert password.get_secret_value() == "p+a#s"
    assert "p+a#s" not in f"{password} {password!r} {settings!r}"


def test_a_missing_secret_is_named_with_its_key_and_file(written: Any) -> None:
    with pytest.raises(SecretMissing, match=r"balance\.password-file: cannot read .*secrets/balance"):
        written(PLAIN).balance.password()


def test_an_empty_secret_is_named(written: Any, tmp_path: Path) -> None:
    settings = written(PLAIN)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "balance").write_text("\n", encoding="utf-8")
    with pytest.raises(SecretMissing, match="is empty"):
        settings.balance.password()


MISTAKES = {
    "unknown key": (PLAIN + '\n[kafka]\nbootstrap = "x"\n', r"kafka\.bootstrap"),
    "unknown flow mode": (PLAIN + '\n[shops.main.flows]\norders = "on"\n', r"shops\.main\.flows\.orders"),
    "no shop": (PLAIN.partition("[shops")[0], "shops"),
    "cloud without application": (PLAIN.replace('application-id = "1234"', ""), "application-id"),
    "on-prem without url": (PLAIN.replace('application-id = "1234"', 'transport = "on-prem"'), "on-prem needs url"),
    "unknown profile": (PLAIN.replace("user-name", 'profile = "other"\nuser-name'), r"balance\.profile"),
    "amount as a float": (PLAIN + "\n[shops.main.orders]\nrounding-cap = 0.05\n", "float is not exact"),
    "url without scheme": (PLAIN.replace("https://shop", "shop"), r"shops\.main\.url"),
    "port out of range": (PLAIN + "\n[receiver]\nport = 99999\n", r"receiver\.port"),
    "not TOML": ("[balance\n", "not valid TOML"),
}


@pytest.mark.claim("S1.3")
@pytest.mark.parametrize(("text", "named"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_by_its_key(written: Any, text: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        written(text)


SHAPES = {
    "a missing key": (PLAIN.replace("user-name", "# user-name"), r"balance\.user-name: is missing; add it"),
    "an unknown key": (PLAIN + '\n[kafka]\npassword = "p+a#s"\n', r"kafka\.password: unknown setting"),
    "a wrong word": (PLAIN + '\n[shops.main.flows]\norders = "on"\n', r"'off', 'dry-run' or 'live'; it is 'on'"),
    "a wrong number": (PLAIN + "\n[receiver]\nport = 99999\n", r"is greater than 65535; it is 99999"),
    "SASL without a user": (
        PLAIN + '\n[kafka]\nsecurity-protocol = "SASL_SSL"\n',
        r"needs user-name and password-file",
    ),
}


@pytest.mark.parametrize(("text", "message"), SHAPES.values(), ids=SHAPES)
def test_a_mistake_says_what_is_asked_for_and_what_to_do(written: Any, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as raised:
        written(text)
    assert "p+a#s" not in str(raised.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="davtari init"):
        load(tmp_path / "davtari.toml", {})


@pytest.mark.claim("S0.28")
@pytest.mark.parametrize(("profile", "sku_field"), [("b2c", "InternalArticle"), ("vendoo", "Code")])
def test_a_profile_is_a_preset_under_the_dialect(written: Any, profile: str, sku_field: str) -> None:
    text = PLAIN.replace("user-name", f'profile = "{profile}"\nuser-name')
    assert written(text).balance.dialect.sku_field == sku_field
    assert written(text + '[balance.dialect]\nsku-field = "Barcode"\n').balance.dialect.sku_field == "Barcode"


@pytest.mark.claim("S0.26", "S0.27", "S0.33")
def test_cloud_and_on_prem_have_one_shape(written: Any) -> None:
    cloud = written(PLAIN).balance
    on_prem = PLAIN.replace(
        'application-id = "1234"',
        'transport = "on-prem"\nallow-http = true\nurl = "http://server:8081/Balance_Exchange/hs/Exchange"',
    )
    assert cloud.base_url() == "https://cloud.balance.ge/sm/o/Balance/1234/hs/Exchange"
    assert written(on_prem).balance.base_url("Items") == "http://server:8081/Balance_Exchange/hs/Exchange"
    assert cloud.verify_tls and written(on_prem).balance.user_name == cloud.user_name


def test_a_resource_may_be_published_elsewhere(written: Any) -> None:
    text = PLAIN + '\n[balance.dialect.publication-of]\nStocks = "a"\n'
    balance = written(text).balance
    assert "/sm/a/" in balance.base_url("Stocks") and "/sm/o/" in balance.base_url("Items")


def test_amounts_are_exact(written: Any) -> None:
    settings = written(PLAIN + '\n[shops.main.orders]\nrounding-cap = "0.03"\n')
    assert settings.shops["main"].orders.rounding_cap == Decimal("0.03")
