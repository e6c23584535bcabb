"""A BentoML service of the model beside it: `bentoml serve service:Scores`, then POST /score {"rows": [{…}, …]}."""

import bentoml  # pyright: ignore[reportMissingImports]
from predict import Model


@bentoml.service(name="tidemark-scores", traffic={"timeout": 10})
class Scores:
    """One model in memory for each worker."""

    def __init__(self) -> None:
        self.model = Model()

    @bentoml.api
    def score(self, rows: list[dict[str, float | None]]) -> list[float]:
        """A probability for each row, in their order."""
        return self.model.score(rows)
