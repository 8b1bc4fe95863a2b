"""From a margin to a probability: what a margin learner needs so that its 0.8 happens eight times in ten."""

from models.calibration.kernels import BINNED, NONE, PLATT, SIZE, calibrate, is_sound_calibration, learn_margin, prepare

__all__ = ["BINNED", "NONE", "PLATT", "SIZE", "calibrate", "is_sound_calibration", "learn_margin", "prepare"]
