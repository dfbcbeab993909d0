"""Text for people in both languages, as one JSON serves everybody: «中文 English», and paragraphs in descriptions."""

from typing import NamedTuple


class Words(NamedTuple):
    """The same in Chinese and English."""

    zh: str
    en: str

    @property
    def title(self) -> str:
        """On one line."""
        return f"{self.zh} {self.en}"

    @property
    def paragraphs(self) -> str:
        """One below the other."""
        return f"{self.zh}\n\n{self.en}"
