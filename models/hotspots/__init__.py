"""Where records lie close together: the clusters of a sliding window of records, as boxes with a density.

Read in this order: `kernels` (neighbours kept from record to record, and the walk over them), `window` (what is kept of
a key), `snapshot`, and the two classes in `pool` and `stream`.
"""

from models.hotspots.pool import Hotspot, HotspotsPool
from models.hotspots.stream import Hotspots

__all__ = ["Hotspot", "Hotspots", "HotspotsPool"]
