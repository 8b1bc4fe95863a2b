"""What the market system carries: collector, and what follows it."""
