"""Ways through the page that several tests go."""

from playwright.sync_api import Locator, Page, expect

from tests.api.conftest import finished, upload
from tests.ui.browser import PageServer, choose, go_to, idle, tab

# What is folded away grows for half a second. A list that is opened meanwhile is closed again by the movement.
STILL = """(name) => new Promise((done) => {
  const part = [...document.querySelectorAll('details')].find((one) => one.innerText.includes(name));
  let height = -1, since = performance.now();
  const look = () => {
    if (part.offsetHeight !== height) [height, since] = [part.offsetHeight, performance.now()];
    performance.now() - since > 250 ? done(true) : requestAnimationFrame(look);
  };
  look();
})"""


def fill(server: PageServer, base: str, files: dict[str, bytes | str]) -> None:
    """Make a base that holds files."""
    with server.client() as client:
        client.post("/api/v1/knowledge-bases", json={"name": base})
        if files:
            job = finished(client, upload(client, base, files)["id"])
            assert job["state"] == "done", job


def look_after(page: Page, base: str, name: str) -> None:
    """Open a tab of a base."""
    go_to(page, "Knowledge bases")
    choose(page, base)
    tab(page, name)


def new_chat(page: Page, base: str | None = None) -> None:
    """Open a new chat, about a base if one is named."""
    go_to(page, "Chat")
    page.get_by_role("button", name="New chat").click()
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    expect(page.get_by_test_id("stChatMessage")).to_have_count(0)
    idle(page)
    if base:
        pick(page, "panel_base", base)


def answer_by(page: Page, mode: str) -> None:
    """Choose how questions are answered, and wait until the panel offers what belongs to it."""
    side = page.get_by_test_id("stSidebar")
    side.get_by_text(mode, exact=True).click()
    temperature = side.get_by_text("Temperature")
    temperature.wait_for(state="attached" if mode in ("Write", "Agent") else "detached")
    idle(page)


def unfold(page: Page, name: str) -> None:
    """Open what is folded away under a name, and wait until it has stopped moving."""
    page.get_by_text(name).click()
    page.evaluate(STILL, name)
    idle(page)


def pick(page: Page, key: str, choice: str) -> None:
    """Choose in the list of this key, which takes one."""
    field = page.locator(f".st-key-{key}").get_by_role("combobox")
    field.wait_for()
    if field.input_value() == choice:
        return
    field.click()
    page.get_by_role("option", name=choice, exact=True).click()
    expect(field).to_have_value(choice)
    idle(page)


def pick_too(page: Page, key: str, choice: str) -> None:
    """Choose one more in the list whose key begins so, which takes several, and close it."""
    field = page.locator(f"[class*=st-key-{key}]")
    field.get_by_role("combobox").click()
    page.get_by_role("option", name=choice, exact=True).click()
    expect(field.get_by_text(choice)).to_be_visible()
    page.keyboard.press("Escape")
    idle(page)


def answer(page: Page) -> Locator:
    """Return the last message."""
    return page.get_by_test_id("stChatMessage").last
