"""Rankings of items for users, learned click by click: popularity, clusters, vectors, co-visits, and their blend."""

from models.recommend.blend import BlendRanking
from models.recommend.clusters import ClusterRanking, SegmentRanking
from models.recommend.covisits import CoVisitRanking
from models.recommend.pool import RankingsPool
from models.recommend.popular import PopularStatic, PopularWindow, RandomRanking
from models.recommend.ranking import ClickRanking, Ranking
from models.recommend.registry import DEFAULT, RANKINGS, make_ranking
from models.recommend.vectors import ExactRanking

__all__ = [
    "DEFAULT", "RANKINGS", "BlendRanking", "ClickRanking", "ClusterRanking", "CoVisitRanking", "ExactRanking",
    "PopularStatic", "PopularWindow", "RandomRanking", "Ranking", "RankingsPool", "SegmentRanking", "make_ranking",
]  # fmt: skip
