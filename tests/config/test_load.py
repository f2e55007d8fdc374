"""config.toml: what is in it means something together."""

from decimal import Decimal
from pathlib import Path

import pytest

from factory_tui.config.load import load, shown_by
from factory_tui.config.presets import presets_of
from factory_tui.config.prices import BUNDLED, price_of
from factory_tui.config.reading import Mistakes
from factory_tui.config.settings import ModelTable, PresetTable, Settings
from factory_tui.config.workspace import bundled
from factory_tui.console.filtering import mistake
from factory_tui.domain.money import UNMETERED, Price

GOOD = '[models.default]\nid = "claude-opus-5"\n'


def mistakes(folder: Path, text: str) -> list[str]:
    path = folder / "config.toml"
    path.write_text(text)
    with pytest.raises(Mistakes) as caught:
        load(path)
    return [str(problem) for problem in caught.value.problems]


def test_the_bundled_config_is_good_and_priced() -> None:
    settings = load(bundled() / "config.toml")
    assert "demo" in settings.owners
    assert price_of(settings, settings.agent.model) == BUNDLED[settings.models["default"].id]


def test_a_broken_file_keeps_nobody_from_looking_at_an_engine_that_works(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(GOOD + '[ui]\nglyphs = "ascii"\n')
    assert shown_by(path, serves=lambda: False, mistake=mistake).ui.glyphs == "ascii"
    path.write_text("[ui]\nglyphs = 3\n")
    assert shown_by(path, serves=lambda: True, mistake=mistake) == Settings()
    with pytest.raises(Mistakes, match=r"config\.toml:2: ui\.glyphs"):
        shown_by(path, serves=lambda: False, mistake=mistake)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('layout = "walls"', "2: ui.presets.jams.layout: `walls` is not one of list, preview, wall. Remedy: "),
        ('sort = "burns"', "2: ui.presets.jams.sort: `burns` is not one of"),
        ('filter = "colour:red"', "2: ui.presets.jams.filter: no field is called colour. Remedy: run:, state:"),
        ('colour = "red"', "2: ui.presets.jams.colour: unknown key `colour`. Remedy: "),
        ('[ui.presets.mine]\nkey = "f2"', "3: ui.presets.mine.key: `f2` is the key of `jams` already. Remedy: "),
        ('[ui]\npreset = "jam"', "3: ui.preset: no preset is called `jam`. Remedy: Did you mean `jams`?"),
    ],
)
def test_a_preset_that_cannot_be_is_told_at_its_line_with_a_remedy(tmp_path: Path, table: str, said: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f"[ui.presets.jams]\n{table}\n{GOOD}")
    with pytest.raises(Mistakes) as caught:
        shown_by(path, serves=lambda: False, mistake=mistake)
    assert f"config.toml:{said}" in str(caught.value)


def test_presets_of_the_file_take_the_place_of_the_bundled_one_on_their_key_or_of_their_name(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[ui.presets.jams]\nkey = "f3"\nsort = "-age"\nfilter = "state:jammed"\n[ui.presets.wall]\nkey = "f2"\n' + GOOD
    )
    found = presets_of(shown_by(path, serves=lambda: False, mistake=mistake).ui)
    assert list(found) == ["wall", "jams"]
    assert found["jams"] == PresetTable(key="f3", sort="-age", filter="state:jammed")
    assert list(presets_of(Settings().ui)) == ["list", "preview", "wall"]


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Mistakes, match=r"there is no such file\. Remedy: ") as caught:
        load(tmp_path / "config.toml")
    assert caught.value.problems[0].file == str(tmp_path / "config.toml")


@pytest.mark.parametrize(
    ("text", "line", "key", "says"),
    [
        ("[engine]\nslots = 0", 4, "engine.slots", "Write a number of at least 1."),
        ("[harness]\nship_at = 1.5", 4, "harness.ship_at", "at least 0 and at most 1"),
        ("[harness]\nship_at = nan", 4, "harness.ship_at", "nan is out of bounds"),
        ("harness.alpha = 0", 0, "harness.alpha", "more than 0 and at most 0.5"),
        ("[harness]\ntimeout = 0", 4, "harness.timeout", "more than 0."),
        ("[cells]\nwork = 400\ntmp = 112", 3, "cells.memory", "do not exceed work and tmp (400 + 112)"),
        ("[cells]\nimage = ''", 4, "cells.image", "Name an image that has python3."),
        ("[models.alias]\nfast = 'default'", 3, "models.alias", "reserved"),
        ("[models.ladder]\nrungs = ['defualt']", 4, "models.ladder.rungs[0]", "Did you mean `default`?"),
        ("[models.ladder]\nrungs = ['default',\n'zzz']", 5, "models.ladder.rungs[1]", "Add a table [models.zzz]."),
        ("[models.ladder]\nrungs = ['default',\n'default']", 5, "models.ladder.rungs[1]", "is a rung already"),
        ("[models.ladder]\nrungs = 'default'", 4, "models.ladder.rungs", "expected a list"),
        ("[models.ladder]\nrung = ['default']", 4, "models.ladder.rung", "Did you mean `rungs`?"),
        ("[models.ladder]\nrungs = ['m']\n[models.m]\nid = 'gpt-x'", 5, "models.m", "no price is known for `gpt-x`"),
        ("models.ladder = 3", 0, "models.ladder", "expected a table"),
        ("[agent]\nmodel = 'defualt'", 4, "agent.model", "Did you mean `default`?"),
        ("[agent]\nmodel = 'zzz'", 4, "agent.model", "Add a table [models.zzz]."),
        ("[models.m]\nid = 'gpt-x'", 3, "models.m", "no price is known for `gpt-x`"),
        ("[models.m]\nprice_input = 1\nprice_output = -2", 5, "models.m.price_output", "-2 is out of bounds"),
        ("[models.m]\nprice_input = 'NaN'\nprice_output = 2", 4, "models.m.price_input", "out of bounds"),
        ("[models.m]\nprice = 'unmetered'\nprice_input = 1", 4, "models.m.price", "has no prices"),
        ("[models.m]\nprice = 'unmetered'\nbase_url = 'localhost'", 5, "models.m.base_url", "http://"),
        ("[models.m]\nprice = 'unmetered'\nbase_url = 'http://a:b@c/'", 5, "models.m.base_url", "without a user"),
        ("[models.m]\nprice = 'unmetered'\nmax_tokens = 200_000", 5, "models.m.max_tokens", "no room"),
        ("[policy]\nrun_cap = -1", 4, "policy.run_cap", "at least 0"),
        ("[policy]\nfactory_cap = inf", 4, "policy.factory_cap", "out of bounds"),
        ("[owners.a]\nemail = 'a'", 4, "owners.a.email", "an @"),
        ("[ship]\nexclude = ['a',\n'b/c']", 5, "ship.exclude[1]", "without `/`"),
        ("[ui.keymap]\n'run.new' = 'n,,m'", 4, 'ui.keymap."run.new"', "`n,,m` are no keys"),
    ],
)
def test_each_mistake_is_told_at_its_key(tmp_path: Path, text: str, line: int, key: str, says: str) -> None:
    above = GOOD if line else ""
    found = mistakes(tmp_path, above + text + ("" if line else "\n" + GOOD))
    assert len(found) == 1
    assert found[0].startswith(f"config.toml:{line or 1}: {key}: ")
    assert says in found[0]
    assert " Remedy: " in found[0]


def test_a_ladder_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(GOOD + "[models.ladder]\nrungs = ['m', 'default']\n[models.m]\nprice = 'unmetered'\n")
    found = load(path)
    assert found.ladder.rungs == ("m", "default")
    assert set(found.models) == {"default", "m"}


def test_a_key_written_in_place_of_its_variable_is_not_repeated(tmp_path: Path) -> None:
    found = mistakes(tmp_path, GOOD + 'key_env = "sk-secret-000"\n')
    assert found[0].startswith("config.toml:3: models.default.key_env: is not the name")
    assert "secret" not in found[0]


def test_several_mistakes_come_together(tmp_path: Path) -> None:
    assert len(mistakes(tmp_path, "[engine]\nslots = 0\n[agent]\nmax_steps = 0\n")) == 3


def settings(**keys: object) -> Settings:
    return Settings(models={"m": ModelTable(**keys)})  # type: ignore[arg-type]


def test_a_price_is_the_configs_before_the_bundled_one() -> None:
    assert price_of(settings(id="claude-opus-5"), "m") == BUNDLED["claude-opus-5"]
    assert price_of(settings(id="claude-opus-5", price="unmetered"), "m") == UNMETERED
    own = price_of(settings(price_input=Decimal(4), price_output=Decimal(9), price_source="a letter"), "m")
    assert own == Price(Decimal(4), Decimal(9), Decimal(5), Decimal(4), "a letter")
    cheaper = price_of(settings(id="claude-opus-5", price_cache_read=Decimal("0.1")), "m")
    assert cheaper is not None
    assert (cheaper.input, cheaper.cache_read) == (Decimal(5), Decimal("0.1"))


def test_a_model_without_a_price_has_none() -> None:
    assert price_of(settings(id="gpt-x"), "m") is None
    assert price_of(settings(id="gpt-x", price_input=Decimal(1)), "m") is None
    assert price_of(Settings(), "m") is None


def test_every_bundled_price_names_its_source_and_the_date_read() -> None:
    for price in BUNDLED.values():
        assert "read 20" in price.source
        assert Decimal(0) < price.cache_read < price.input < price.cache_write < price.output
