"""The dashboard for Grafana has the form of Grafana's own types, those of an older version and of a new one (P8)."""

import json
import pathlib
import shutil
import subprocess

import pytest

from conftest import UPSTREAM, generate, rules

FOLDER = pathlib.Path(__file__).parent
PACKAGES = FOLDER / "node_modules"
NEW, OLD = PACKAGES / "@grafana/schema/dist/types", PACKAGES / "grafana-schema-10/dist"
PANELS = "raw/composable/timeseries/panelcfg/x"
#: Where each version has its types. Newer ones leave those of queries to a package of its own, as large as Grafana.
TYPES = {
    "13": {"@grafana/schema": NEW / "index.d.ts", "grafana/timeseries": NEW / PANELS / "types.gen.d.ts"},
    "10": {"@grafana/schema": OLD / "index.d.ts",
           "grafana/timeseries": OLD / "esm" / PANELS / "TimeSeriesPanelCfg_types.gen.d.ts"},
}
QUERIES = OLD / "esm/raw/composable/prometheus/dataquery/x/PrometheusDataQuery_types.gen.d.ts"


@pytest.fixture(scope="module")
def compiler() -> list:
    """TypeScript's, with the packages of this folder."""
    node = shutil.which("node") or shutil.which("nodejs")
    assert node, "Node.js is missing: ./dev test installs it"
    subprocess.run(["bash", FOLDER.parents[1] / "scripts" / "npm_packages.sh", FOLDER], check=True, timeout=300)
    return [node, PACKAGES / "typescript/lib/tsc.js"]


@pytest.fixture
def dashboard(tmp_path) -> dict:
    config = tmp_path / "forebay.yaml"
    sets = "[forebay, lms, bdc, classroom, prepnexus]"
    config.write_text(UPSTREAM + rules("own: {signal: pool.use, warning: 50%}", sets))
    return json.loads(generate("grafana", config))


@pytest.fixture(params=TYPES)
def complaints(request, compiler, tmp_path):
    """complaints(dashboard): what the compiler has against it by the types of one version of Grafana."""
    options = {
        "strict": True, "noEmit": True, "skipLibCheck": True, "target": "es2022", "module": "esnext",
        "moduleResolution": "bundler", "allowImportingTsExtensions": True, "types": [],
        "paths": {name: [str(file)] for name, file in (TYPES[request.param] | {"grafana/prometheus": QUERIES}).items()},
    }
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["made.ts"]}))

    def ask(dashboard: dict) -> str:
        made = f"export const dashboard = {json.dumps(dashboard)} satisfies Form;\n"
        imported = f"import type {{ Form }} from {json.dumps(str(FOLDER / 'grafana_form.ts'))};\n"
        (tmp_path / "made.ts").write_text(imported + made)
        done = subprocess.run([*compiler, "-p", tmp_path], capture_output=True, text=True, timeout=100)
        assert (done.returncode == 0) == (done.stdout == ""), done.stdout + done.stderr
        return done.stdout

    return ask


@pytest.mark.time_limit(360)  # it may have to install the packages
def test_the_dashboard_has_grafanas_form(dashboard, complaints):
    assert complaints(dashboard) == ""


def wrong(dashboard: dict) -> None:
    """Each of these in a place where only one kind of panel, source or variable says what may stand."""
    first, second, third, *_ = dashboard["panels"]
    first["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"] = "lines"
    second["targets"][0]["expression"] = "up"
    third["options"]["legend"].pop("showLegend")
    dashboard["templating"]["list"][0]["hide"] = 9


@pytest.mark.time_limit(360)
def test_what_is_wrong_is_seen(dashboard, complaints):
    wrong(dashboard)
    told = complaints(dashboard)
    for part in ('"lines"', "'\"expression\"' does not exist", "'showLegend' is missing", "Type '9'"):
        assert part in told, told


def test_no_panel_covers_another_and_limits_rise(dashboard):
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 25
    places = set()
    for panel in panels:
        grid = panel["gridPos"]
        assert 0 < grid["w"] <= 24 and grid["x"] + grid["w"] <= 24 and grid["h"] > 0
        places.add((grid["x"], grid["y"]))
        steps = [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        assert steps[0] is None and steps[1:] == sorted(steps[1:]), panel["title"]
    assert len(places) == len(panels), "none covers another"
