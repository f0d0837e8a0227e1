"""The page /docs, which is src/web/openapi.json to be read."""

from explained import Explained


class Page(Explained):
    def test_it_is_good_to_read_narrow_and_wide_light_and_dark(self):
        self.run_node("docs_page.mjs", 120)
