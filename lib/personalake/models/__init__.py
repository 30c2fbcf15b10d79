"""What will they do? Labels, training, calibration, evaluation, explanation, scoring."""
