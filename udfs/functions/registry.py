"""Every table function by its SQL name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from udfs.functions import (
    arbitrage,
    champion_challenger,
    detect_anomalies,
    drift,
    hotspots,
    indicators,
    market_signals,
    online_classifier,
    online_regressor,
    prequential_metrics,
    random_cut_forest,
    random_cut_forest_with_explanation,
    rank_items,
    stagger,
    user_vector,
)
from udfs.functions.declaration import TableFunction

FUNCTIONS: Final[Mapping[str, TableFunction]] = MappingProxyType(
    {
        function.name: function
        for function in (
            random_cut_forest.FUNCTION,
            random_cut_forest_with_explanation.FUNCTION,
            detect_anomalies.FUNCTION,
            hotspots.FUNCTION,
            online_classifier.FUNCTION,
            online_regressor.FUNCTION,
            champion_challenger.FUNCTION,
            drift.FUNCTION,
            prequential_metrics.FUNCTION,
            indicators.FUNCTION,
            arbitrage.FUNCTION,
            rank_items.FUNCTION,
            user_vector.FUNCTION,
            market_signals.FUNCTION,
            stagger.FUNCTION,
        )
    }
)
