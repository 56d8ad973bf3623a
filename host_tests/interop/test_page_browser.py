"""The status page as people see it: in headless Chromium, from the firmware process with a car."""

import time

import pytest
import runtimes
from sim_process import SimProcess

from host_tests.conftest import missing_peer
from host_tests.peers.until import until
from host_tests.peers.browser import Browser
from host_tests.peers.echonet_box import Raw
from host_tests.peers.page_client import PORT

BOX, EMS = "127.0.72.1", "127.0.72.2"
PASSWORD = "geheim"
URL = "http://%s:%d/" % (BOX, PORT)
FULL_MA = 31980


@pytest.fixture(scope="module")
def box():
    with SimProcess("--runtime", "mpy32", "--bind", BOX, "--multicast-if", "127.0.0.1", "--quiet", "--profile", "full",
                    "--set", "page_password=" + PASSWORD, "--set", "page_port=%d" % PORT,
                    "--set", "rise_ma_per_5s=80000") as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    try:
        runtimes.browser()
    except runtimes.Missing as why:
        missing_peer("Chromium", str(why))
    with Browser() as running:
        yield running


@pytest.fixture
def page(browser, box):
    """The page, open; afterwards nothing went wrong in it, and it asked nobody but the box."""
    browser.problems.clear()
    browser.urls.clear()
    browser.open(URL, PASSWORD)
    browser.wait("document.querySelector('#device').children.length > 0")
    yield browser
    assert browser.problems == []
    assert browser.urls and all(url.startswith((URL, "data:")) for url in browser.urls), browser.urls


def headline(text):
    return "document.querySelector('#headline').textContent.includes(%r)" % text


def charge(box):
    if not box.control.state()["ev"]:
        box.control.call("plug", phases=3, reaction_ms=100, ramp_ma_s=1000000, soc=40)
    box.control.call("ready")
    box.control.wait(lambda state: state["current_ma"] == [FULL_MA] * 3)


def test_it_wants_the_password(browser, box):
    def tried():  # again while the box, just started, does not listen yet
        browser.open(URL, "wrong")
        return box.control.state()["page"]["wrong"]

    assert until(tried) == 1
    assert browser.evaluate("document.querySelector('#headline')") is None
    assert box.control.state()["page"]["served"] == 0
    browser.open(URL, PASSWORD)
    browser.wait(headline("no car"))
    assert browser.text("#pilot") == "State A: no car"


def test_it_follows_the_car_by_itself(box, page):
    box.control.call("plug", phases=3, reaction_ms=100, ramp_ma_s=1000000, soc=40)
    page.wait(headline("waiting for the car"))
    assert page.text("#why") == "Nothing allows less than the rating of the board, 32.0 A."
    assert page.text("#pilot") == "State B: car connected"
    charge(box)
    page.wait(headline("Charging at 22.07 kW"))
    assert page.text("#why") == ("Charging with up to 31.9 A on 3 phases. "
                                 "Nothing allows less than the rating of the board, 32.0 A.")
    assert page.evaluate("document.title") == "22.07 kW · wallbox"
    rows = page.evaluate("[...document.querySelectorAll('#meter tbody tr')].map(row => row.innerText)")
    assert rows == ["L1\t32.0 A\t230 V", "L2\t32.0 A\t230 V", "L3\t32.0 A\t230 V"]
    served, begun = box.control.state()["page"]["served"], time.monotonic()
    looks = 0
    while looks < 3:
        page.listen(0.5)
        looks = box.control.state()["page"]["served"] - served
        assert (time.monotonic() - begun) / 2 + 1 >= looks, "a look every 2 s"
        assert time.monotonic() - begun < 30, looks


def test_it_says_who_limits(box, page):
    charge(box)
    with Raw(EMS, BOX) as ems:
        assert ems.set("ed", "0064")
        page.wait("document.querySelector('#why').textContent.includes('`charging current` allows 10.0/10.0/10.0 A')")
        page.wait(headline("Charging at 6.87 kW"))
        row = page.text("tr.binding").split()
        assert row[:2] == ["charging", "current"] and "10.0" in row and "sets" in row
        assert "Not set: supply, cable" in page.text("#unset")
        assert ems.set("ed", "0140")


def test_what_a_car_says_is_text(box, page):
    charge(box)
    markup = "<img src=x onerror=\"document.title='taken'\">"
    assert box.control.call("car", vendor=markup, model='"; </script>\\', serial="ü\u0007")["ok"]
    page.wait("document.querySelector('#car').textContent.includes('</script>')")
    assert markup in page.text("#car") and "ü" in page.text("#car") and "40 %" not in page.text("#car")
    assert page.evaluate("document.images.length") == 0 and "taken" not in page.evaluate("document.title")


def test_a_box_that_does_not_answer_is_not_passed_off_as_news(box, page):
    charge(box)
    page.wait(headline("Charging"))
    box.control.call("powercut", ms=2500)
    page.wait("!document.querySelector('#stale').hidden")
    assert "No news from the box" in page.text("#stale")
    page.wait("document.querySelector('#stale').hidden")
    assert all("ERR_" in problem for problem in page.problems), page.problems
    page.problems.clear()


def test_a_journal_that_ends_half_way_leaves_the_rest(page):
    page.cut = URL + "status.json"
    page.open(URL, PASSWORD)
    page.wait("document.querySelector('#device').children.length > 0")
    page.cut = None
    assert page.evaluate("document.querySelector('#stale').hidden") and URL + "now.json" in page.urls
    assert page.evaluate("document.querySelector('#journal').tBodies[0].rows.length") == 0
    page.open(URL, PASSWORD)
    page.wait("document.querySelector('#journal').tBodies[0].rows.length > 0")


def test_it_fits_a_phone_in_light_and_dark(page):
    page.call("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=2, mobile=True)
    grounds = set()
    for scheme in ("light", "dark"):
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert page.evaluate(_CONTRAST) >= 4.5, scheme
    assert len(grounds) == 2
    page.call("Emulation.clearDeviceMetricsOverride")
    page.call("Emulation.setEmulatedMedia", features=[])


# the least contrast (WCAG 1.4.3) of any text that is shown, against its nearest ground
_CONTRAST = """(() => {
  const light = color => {
    const [r, g, b] = color.match(/[\\d.]+/g).map(each => each / 255)
      .map(each => each <= .04045 ? each / 12.92 : ((each + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = element => {
    const color = getComputedStyle(element).backgroundColor;
    return color !== "rgba(0, 0, 0, 0)" ? color : ground(element.parentElement);
  };
  const texts = [...document.querySelectorAll("main *, h1")].filter(each => each.checkVisibility() &&
    [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  return texts.length > 20 ? Math.min(...texts.map(each => {
    const [low, high] = [light(getComputedStyle(each).color), light(ground(each))].sort((a, b) => a - b);
    return (high + .05) / (low + .05);
  })) : 0;
})()"""


def test_it_can_be_heard(page):
    """Language, landmarks, headings, names of tables and heads of their cells, as the accessibility tree has them."""
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    found = {}
    for node in nodes:
        if not node["ignored"]:
            found.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    assert page.evaluate("document.documentElement.lang") == "en"
    assert len(found["main"]) == 1 and len(found["status"]) == 1
    assert found["heading"][0] == "wallbox" and {"Who limits", "Measured", "Journal", "Device"} <= set(found["heading"])
    assert set(found["table"]) == {"Who limits", "Measured", "Journal"}
    assert {"source", "allows", "age", "phase", "current", "voltage"} <= set(found["columnheader"])
    assert "L1" in found["rowheader"]


def test_faults_are_told_at_once(box, page):
    charge(box)
    assert page.evaluate("document.querySelector('#faults').hidden")
    box.control.call("fault", name="pilot_to_pe", on=True)
    page.wait("!document.querySelector('#faults').hidden")
    assert "pilot shorted to earth" in page.text("#faultlist") and "State E" in page.text("#pilot")
    assert page.evaluate("document.querySelector('#faults').getAttribute('role')") == "alert"
